internal import BtrfsFormat
internal import BtrfsVolume

// What new files have from their directory: group, flags, properties and access control lists.

extension FileSystem {
    private static let accessList = Array("system.posix_acl_access".utf8)
    private static let defaultList = Array("system.posix_acl_default".utf8)

    /// A new inode with what it has from the directory in which it is made.
    ///
    /// The corresponding kernel functions are `inode_init_owner`, `btrfs_inherit_iflags`, `btrfs_inode_inherit_props`
    /// and `posix_acl_create`.
    ///
    /// - Throws: EINVAL and EOPNOTSUPP when the directory has a default list that is none.
    func inheriting(_ new: NewInode, from directory: FileLocation) throws -> NewInode {
        var new = new
        let above = try item(directory)
        let type = DirEntryType(mode: new.mode)
        if above.mode & 0o2000 != 0 {
            new.gid = above.gid
            if type == .directory { new.mode |= 0o2000 }
        }
        new.flags = Self.inheritedFlags(of: above, isFile: type == .regularFile)
        try inheritCompression(&new, type, from: directory)
        if type != .symlink { try inheritAccess(&new, type, from: directory) }
        return new
    }

    private static func inheritedFlags(of directory: InodeItem, isFile: Bool) -> InodeFlags {
        var flags: InodeFlags = []
        if directory.flags.contains(.noCompression) {
            flags.insert(.noCompression)
        } else if directory.flags.contains(.compress) {
            flags.insert(.compress)
        }
        if directory.flags.contains(.noDataCopyOnWrite) {
            flags.insert(.noDataCopyOnWrite)
            if isFile { flags.insert(.noDataChecksum) }
        }
        return flags
    }

    private func inheritCompression(
        _ new: inout NewInode, _ type: DirEntryType, from directory: FileLocation
    ) throws {
        let name = CompressionProperty.name
        guard type == .regularFile || type == .directory,
            new.flags.isDisjoint(with: [.noDataCopyOnWrite, .noDataChecksum]),
            let value = try namespace(of: directory.subvolume).xattr(named: name.rawSpan, of: directory.inode),
            let method = CompressionProperty.method(in: value)
        else { return }
        new.flags.subtract(.noCompression)
        new.flags.insert(.compress)
        new.xattrs.append(Xattr(name: name, value: Array(method.utf8)))
    }

    /// The flags of a file that the property for compression sets; nil for other attributes.
    ///
    /// - Parameter value: empty where the property goes.
    /// - Throws: EINVAL for another value or another property, EPERM for a file that is not copied on write.
    func compressionFlags(_ name: [UInt8], _ value: [UInt8], of location: FileLocation) throws -> InodeFlags? {
        guard name.starts(with: "btrfs.".utf8) else { return nil }
        guard name == CompressionProperty.name else { throw Errno.invalid }
        guard try item(location).flags.isDisjoint(with: [.noDataCopyOnWrite, .noDataChecksum]) else {
            throw Errno.notPermitted
        }
        guard let flags = CompressionProperty.flags(for: value) else { throw Errno.invalid }
        return flags
    }

    private func inheritAccess(_ new: inout NewInode, _ type: DirEntryType, from directory: FileLocation) throws {
        let name = Self.defaultList
        let value = try namespace(of: directory.subvolume).xattr(named: name.rawSpan, of: directory.inode)
        guard let value, var list = try AccessList(value) else { return }
        if type == .directory { new.xattrs.append(Xattr(name: name, value: value)) }
        if try list.restrict(&new.mode) { new.xattrs.append(Xattr(name: Self.accessList, value: list.bytes)) }
    }
}

/// A POSIX access control list, as extended attributes have it: the number of the form, then entries of tag,
/// permissions and number of a user or group.
private struct AccessList {
    private static let entryByteCount = 8

    private enum Tag: UInt16 {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case other = 0x20
    }

    private(set) var bytes: [UInt8]

    /// Nil for a list without entries.
    init?(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        guard bytes.count >= 4, (bytes.count - 4) % Self.entryByteCount == 0 else { throw Errno.invalid }
        guard bytes[..<4] == [2, 0, 0, 0] else { throw Errno.notSupported }
        if bytes.count == 4 { return nil }
    }

    /// Takes from list and mode what not both allow.
    ///
    /// The corresponding kernel function is `posix_acl_create_masq`.
    ///
    /// - Returns: whether the list says more than the mode.
    mutating func restrict(_ mode: inout UInt32) throws -> Bool {
        var saysMore = false
        // Where the group permissions of the mode are: the mask if there is one.
        var groupAt: Int?
        var hasMask = false
        for at in stride(from: 4, to: bytes.count, by: Self.entryByteCount) {
            switch Tag(rawValue: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8) {
            case .owner: restrict(&mode, shift: 6, at)
            case .other: restrict(&mode, shift: 0, at)
            case .user, .group: saysMore = true
            case .owningGroup: if !hasMask { groupAt = at }
            case .mask: (groupAt, hasMask, saysMore) = (at, true, true)
            case nil: throw Errno.invalid
            }
        }
        guard let groupAt else { throw Errno.inputOutput }
        restrict(&mode, shift: 3, groupAt)
        return saysMore
    }

    private mutating func restrict(_ mode: inout UInt32, shift: UInt32, _ at: Int) {
        bytes[at + 2] &= UInt8(truncatingIfNeeded: mode >> shift & 7)
        mode &= UInt32(bytes[at + 2]) << shift | ~(7 << shift)
    }
}
