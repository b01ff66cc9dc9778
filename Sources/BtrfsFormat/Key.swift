/// The number of a tree or of an object within a tree: an inode, a device, a subvolume.
///
/// Numbers from 2^64-256 on are reserved; the kernel writes them as small negative numbers.
public struct ObjectID: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    @inlinable public static var rootTree: Self { Self(1) }
    @inlinable public static var extentTree: Self { Self(2) }
    @inlinable public static var chunkTree: Self { Self(3) }
    @inlinable public static var deviceTree: Self { Self(4) }
    @inlinable public static var fileTree: Self { Self(5) }
    @inlinable public static var rootTreeDirectory: Self { Self(6) }
    @inlinable public static var checksumTree: Self { Self(7) }
    @inlinable public static var quotaTree: Self { Self(8) }
    @inlinable public static var uuidTree: Self { Self(9) }
    @inlinable public static var freeSpaceTree: Self { Self(10) }
    @inlinable public static var blockGroupTree: Self { Self(11) }
    @inlinable public static var raidStripeTree: Self { Self(12) }
    @inlinable public static var remapTree: Self { Self(13) }
    @inlinable public static var firstFree: Self { Self(256) }
    /// The number of the empty directory that a snapshot has where its source has a subvolume; no tree has it.
    @inlinable public static var emptySubvolume: Self { Self(2) }
    @inlinable public static var lastFree: Self { Self(0 &- 256) }
    @inlinable public static var balance: Self { Self(0 &- 4) }
    @inlinable public static var orphan: Self { Self(0 &- 5) }
    @inlinable public static var treeLog: Self { Self(0 &- 6) }
    @inlinable public static var treeLogFixup: Self { Self(0 &- 7) }
    @inlinable public static var treeRelocation: Self { Self(0 &- 8) }
    @inlinable public static var dataRelocationTree: Self { Self(0 &- 9) }
    @inlinable public static var extentChecksum: Self { Self(0 &- 10) }
    @inlinable public static var freeSpace: Self { Self(0 &- 11) }
    @inlinable public static var freeInode: Self { Self(0 &- 12) }

    /// Whether a file or directory can have this number; those below and above are for other things.
    @inlinable public var isFile: Bool { self >= .firstFree && self <= .lastFree }

    /// Whether this is the number of a tree that holds files: the top-level subvolume or another one.
    @inlinable public var isSubvolume: Bool {
        self == .fileTree || isFile
    }
}

extension ObjectID: CustomStringConvertible {
    /// Decimal, with the reserved numbers as the small negative numbers by which they are known.
    public var description: String {
        rawValue > UInt64.max - 256 ? String(Int64(bitPattern: rawValue)) : String(rawValue)
    }
}

/// What an item is: the middle part of its key.
///
/// An open set, since plugins define types of their own. The corresponding kernel constants are
/// `BTRFS_*_KEY`.
public struct KeyType: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: UInt8) { self.rawValue = rawValue }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    @inlinable public static var inodeItem: Self { Self(1) }
    @inlinable public static var inodeRef: Self { Self(12) }
    @inlinable public static var inodeExtref: Self { Self(13) }
    @inlinable public static var xattrItem: Self { Self(24) }
    @inlinable public static var verityDescriptor: Self { Self(36) }
    @inlinable public static var verityMerkle: Self { Self(37) }
    @inlinable public static var orphanItem: Self { Self(48) }
    @inlinable public static var dirLogItem: Self { Self(60) }
    @inlinable public static var dirLogIndex: Self { Self(72) }
    @inlinable public static var dirItem: Self { Self(84) }
    @inlinable public static var dirIndex: Self { Self(96) }
    @inlinable public static var extentData: Self { Self(108) }
    @inlinable public static var extentChecksum: Self { Self(128) }
    @inlinable public static var rootItem: Self { Self(132) }
    @inlinable public static var rootBackref: Self { Self(144) }
    @inlinable public static var rootRef: Self { Self(156) }
    @inlinable public static var extentItem: Self { Self(168) }
    @inlinable public static var metadataItem: Self { Self(169) }
    @inlinable public static var extentOwnerRef: Self { Self(172) }
    @inlinable public static var treeBlockRef: Self { Self(176) }
    @inlinable public static var extentDataRef: Self { Self(178) }
    @inlinable public static var sharedBlockRef: Self { Self(182) }
    @inlinable public static var sharedDataRef: Self { Self(184) }
    @inlinable public static var blockGroupItem: Self { Self(192) }
    @inlinable public static var freeSpaceInfo: Self { Self(198) }
    @inlinable public static var freeSpaceExtent: Self { Self(199) }
    @inlinable public static var freeSpaceBitmap: Self { Self(200) }
    @inlinable public static var deviceExtent: Self { Self(204) }
    @inlinable public static var deviceItem: Self { Self(216) }
    @inlinable public static var chunkItem: Self { Self(228) }
    @inlinable public static var raidStripe: Self { Self(230) }
    @inlinable public static var qgroupStatus: Self { Self(240) }
    @inlinable public static var qgroupInfo: Self { Self(242) }
    @inlinable public static var qgroupLimit: Self { Self(244) }
    @inlinable public static var qgroupRelation: Self { Self(246) }
    @inlinable public static var temporaryItem: Self { Self(248) }
    @inlinable public static var persistentItem: Self { Self(249) }
    @inlinable public static var deviceReplace: Self { Self(250) }
    @inlinable public static var uuidSubvolume: Self { Self(251) }
    @inlinable public static var uuidReceivedSubvolume: Self { Self(252) }
}

/// What identifies an item in a tree and orders it there: by object, then type, then offset, all unsigned.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | objectid |
/// | 8 | 1 | type |
/// | 9 | 8 | offset |
///
/// The corresponding on-disk structure is `btrfs_disk_key`.
public struct Key: Hashable, Comparable, Sendable {
    /// What the item belongs to: mostly an inode or an address.
    public var objectID: ObjectID
    /// What kind of item it is.
    public var type: KeyType
    /// Tells items of one object and type apart; what it is depends on the type.
    public var offset: UInt64

    /// The size of a key on disk in bytes.
    @inlinable public static var byteCount: Int { 17 }
    public static let minimum = Key(ObjectID(0), KeyType(0), 0)
    /// The last key there can be.
    public static let maximum = Key(ObjectID(.max), KeyType(.max), .max)

    /// A key of three parts.
    @inlinable public init(_ objectID: ObjectID, _ type: KeyType, _ offset: UInt64) {
        self.objectID = objectID
        self.type = type
        self.offset = offset
    }

    @inline(always) @inlinable
    public init(_ bytes: RawSpan, at position: Int) throws(FormatError) {
        guard position >= 0, bytes.byteCount >= Key.byteCount, position <= bytes.byteCount - Key.byteCount else {
            throw FormatError.outOfBounds(offset: position, count: Key.byteCount, available: bytes.byteCount)
        }
        objectID = ObjectID(try bytes.u64(at: position))
        type = KeyType(try bytes.u8(at: position + 8))
        offset = try bytes.u64(at: position + 9)
    }

    @inlinable
    public func store(in target: inout MutableRawSpan, at position: Int) {
        target.store(objectID.rawValue, at: position)
        target.store(type.rawValue, at: position + 8)
        target.store(offset, at: position + 9)
    }

    @inline(always) @inlinable
    public static func < (a: Key, b: Key) -> Bool {
        if a.objectID != b.objectID { return a.objectID < b.objectID }
        if a.type != b.type { return a.type < b.type }
        return a.offset < b.offset
    }

    /// The key that follows this one directly; nil for the largest.
    public var successor: Key? {
        if offset < .max { return Key(objectID, type, offset + 1) }
        if type.rawValue < .max { return Key(objectID, KeyType(type.rawValue + 1), 0) }
        if objectID.rawValue < .max { return Key(ObjectID(objectID.rawValue + 1), KeyType(0), 0) }
        return nil
    }
}

extension Key: CustomStringConvertible {
    /// `(257 INODE_ITEM 0)`, as the kernel and its tools print a key.
    public var description: String { description(typeName: "\(type)") }

    /// The same with a name for the type that this module does not know.
    public func description(typeName: String) -> String {
        let shown = offset > UInt64.max - 256 && offset != .max ? String(Int64(bitPattern: offset)) : String(offset)
        return "(\(objectID) \(typeName) \(shown))"
    }
}

/// An address in the address space of the volume, in bytes; chunks map it to devices.
public struct LogicalAddress: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// The number of a transaction; also called transid.
public typealias Generation = UInt64

/// 128 bits that name a file system, a device or a subvolume.
public struct UUID: Hashable, Sendable, CustomStringConvertible {
    /// Bytes 0 to 7 and 8 to 15 as little-endian integers.
    public var low: UInt64, high: UInt64
    /// A UUID of its first and its last eight bytes, as little-endian numbers.
    @inlinable public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
    /// Whether all bytes are zero.
    @inlinable public var isZero: Bool { low == 0 && high == 0 }

    /// The 16 bytes in the order of the disk.
    public var bytes: [UInt8] {
        [UInt8](byteCount: 16) { (span: inout MutableRawSpan) in span.store(self, at: 0) }
    }

    /// `6e1c7a52-0d8e-4f7c-9a55-2f1c0b9f6a10`
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension UUID {
    /// The UUID that a text like `6e1c7a52-0d8e-4f7c-9a55-2f1c0b9f6a10` names; nil where it names none.
    public init?(text: some StringProtocol) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
        let digits = groups.joined()
        guard digits.utf8.allSatisfy({ UInt8(ascii: "+") != $0 }),
            let front = UInt64(digits.prefix(16), radix: 16), let back = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        self.init(low: front.byteSwapped, high: back.byteSwapped)
    }
}
