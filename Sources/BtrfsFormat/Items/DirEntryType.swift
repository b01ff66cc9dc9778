/// What a directory entry leads to. An open set: a byte from a disk may hold any number.
///
/// The corresponding kernel constants are `BTRFS_FT_*`.
public struct DirEntryType: OpenFieldValue, Hashable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// Not said; no entry of a healthy directory has it.
    @inlinable public static var unknown: Self { Self(0) }
    /// A file with content.
    @inlinable public static var regularFile: Self { Self(1) }
    /// A directory, or a subvolume.
    @inlinable public static var directory: Self { Self(2) }
    /// A character device.
    @inlinable public static var characterDevice: Self { Self(3) }
    /// A block device.
    @inlinable public static var blockDevice: Self { Self(4) }
    /// A named pipe.
    @inlinable public static var fifo: Self { Self(5) }
    /// A socket.
    @inlinable public static var socket: Self { Self(6) }
    /// A symbolic link.
    @inlinable public static var symlink: Self { Self(7) }
    /// An extended attribute, in the items of those.
    @inlinable public static var xattr: Self { Self(8) }

    /// Whether the name is encrypted (bit 7).
    @inlinable public var isEncrypted: Bool { rawValue & 0x80 != 0 }
    /// The type without the bit that says that the name is encrypted.
    @inlinable public var plain: Self { Self(rawValue & 0x7f) }

    /// The type of an entry for an inode with this `st_mode`; `.unknown` when the mode has no valid file
    /// type.
    @inlinable
    public init(mode: UInt32) {
        switch mode & 0o170000 {
        case 0o100000: self = .regularFile
        case 0o040000: self = .directory
        case 0o020000: self = .characterDevice
        case 0o060000: self = .blockDevice
        case 0o010000: self = .fifo
        case 0o140000: self = .socket
        case 0o120000: self = .symlink
        default: self = .unknown
        }
    }

    /// The type in a word, as state documents and reports have it.
    public var word: String {
        switch plain {
        case .regularFile: "file"
        case .directory: "dir"
        case .symlink: "link"
        case .fifo: "fifo"
        case .socket: "sock"
        case .characterDevice: "chr"
        case .blockDevice: "blk"
        default: "unknown"
        }
    }

    public static let names: NumberNames = [
        0: "UNKNOWN", 1: "FILE", 2: "DIR", 3: "CHRDEV", 4: "BLKDEV", 5: "FIFO", 6: "SOCK", 7: "SYMLINK",
        8: "XATTR",
    ]
    public static var fieldFormat: FieldFormat { .named(names) }
}

extension DirEntryType: CustomStringConvertible {
    public var description: String {
        let name = Self.names[UInt64(plain.rawValue)] ?? "UNKNOWN.\(plain.rawValue)"
        return isEncrypted ? name + "|ENCRYPTED" : name
    }
}
