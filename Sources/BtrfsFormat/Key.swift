/// The number of a tree or of an object within a tree: an inode, a device, a subvolume.
///
/// Numbers from 2^64-256 on are reserved; the kernel writes them as small negative numbers.
public struct ObjectID: RawRepresentable, Hashable, Comparable, Sendable {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// The tree of the roots of all other trees; also the owner of its blocks.
    @inlinable public static var rootTree: Self { Self(1) }
    /// The tree that tells which extents are in use, and by whom.
    @inlinable public static var extentTree: Self { Self(2) }
    /// The tree that maps logical addresses to places on devices. What is needed to read it is in the superblock, too.
    @inlinable public static var chunkTree: Self { Self(3) }
    /// The tree of what each device has been given to: the reverse of the chunk tree.
    @inlinable public static var deviceTree: Self { Self(4) }
    /// The top-level subvolume.
    @inlinable public static var fileTree: Self { Self(5) }
    /// A directory in the tree of roots whose one entry, `default`, names the subvolume that is mounted by default.
    @inlinable public static var rootTreeDirectory: Self { Self(6) }
    /// The tree of the checksums of data.
    @inlinable public static var checksumTree: Self { Self(7) }
    /// The tree of quota groups.
    @inlinable public static var quotaTree: Self { Self(8) }
    /// The tree in which subvolumes are found by UUID.
    @inlinable public static var uuidTree: Self { Self(9) }
    /// The tree of free space, in a volume with `CompatROFeatures.freeSpaceTree`.
    @inlinable public static var freeSpaceTree: Self { Self(10) }
    /// The tree of block group items, in a volume that does not keep them in the extent tree.
    @inlinable public static var blockGroupTree: Self { Self(11) }
    /// The tree that says where the stripes of an extent are; its format is refused.
    @inlinable public static var raidStripeTree: Self { Self(12) }
    /// The tree of extents that were moved from remapped block groups; its format is refused.
    @inlinable public static var remapTree: Self { Self(13) }
    /// The first number that a file, directory or subvolume can have.
    @inlinable public static var firstFree: Self { Self(256) }
    /// The number of the empty directory that a snapshot has where its source has a subvolume; no tree has it.
    @inlinable public static var emptySubvolume: Self { Self(2) }
    /// The last number that a file, directory or subvolume can have.
    @inlinable public static var lastFree: Self { Self(0 &- 256) }
    /// Under this number the tree of roots keeps the state of a balance that goes on.
    @inlinable public static var balance: Self { Self(0 &- 4) }
    /// Under this number are the orphan items: of inodes without a name in a subvolume, of deleted subvolumes in the
    /// tree of roots.
    @inlinable public static var orphan: Self { Self(0 &- 5) }
    /// The owner of the blocks of logs; under it the tree of logs has the root of each log.
    @inlinable public static var treeLog: Self { Self(0 &- 6) }
    /// Under this number Linux notes during a replay the inodes whose links are to be counted.
    @inlinable public static var treeLogFixup: Self { Self(0 &- 7) }
    /// The trees by which Linux moves blocks when it balances.
    @inlinable public static var treeRelocation: Self { Self(0 &- 8) }
    /// The subvolume without a name by which Linux moves data when it balances.
    @inlinable public static var dataRelocationTree: Self { Self(0 &- 9) }
    /// The number under which all checksums of data are.
    @inlinable public static var extentChecksum: Self { Self(0 &- 10) }
    /// Under this number the tree of roots keeps the free space cache of version 1.
    @inlinable public static var freeSpace: Self { Self(0 &- 11) }
    /// Under this number a cache of free inode numbers was kept, which Linux has dropped.
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

    /// (inode, type, 0): what is known of an inode.
    @inlinable public static var inodeItem: Self { Self(1) }
    /// (inode, type, directory): the names of the inode in that directory.
    @inlinable public static var inodeRef: Self { Self(12) }
    /// (inode, type, hash of directory and name): names for which `inodeRef` has no room.
    @inlinable public static var inodeExtref: Self { Self(13) }
    /// (inode, type, hash of the name): extended attributes.
    @inlinable public static var xattrItem: Self { Self(24) }
    /// (inode, type, position): the fs-verity descriptor, after an item that tells its size.
    @inlinable public static var verityDescriptor: Self { Self(36) }
    /// (inode, type, position): a part of the Merkle tree of fs-verity.
    @inlinable public static var verityMerkle: Self { Self(37) }
    /// (`ObjectID.orphan`, type, inode or subvolume): it has no name, and is to be deleted.
    @inlinable public static var orphanItem: Self { Self(48) }
    /// (directory, type, first hash), only in logs of old kernels: the log has all `dirItem` entries of this range.
    @inlinable public static var dirLogItem: Self { Self(60) }
    /// (directory, type, first index), only in logs: the log has all `dirIndex` entries of this range.
    @inlinable public static var dirLogIndex: Self { Self(72) }
    /// (directory, type, hash of the name): entries, to be found by name.
    @inlinable public static var dirItem: Self { Self(84) }
    /// (directory, type, index): an entry, in the order in which a listing shows them.
    @inlinable public static var dirIndex: Self { Self(96) }
    /// (inode, type, position in the file): a piece of the content.
    @inlinable public static var extentData: Self { Self(108) }
    /// (`ObjectID.extentChecksum`, type, logical address): checksums of data that lies there, one for each sector.
    @inlinable public static var extentChecksum: Self { Self(128) }
    /// (tree, type, 0 or the generation that made it): the root of a tree.
    @inlinable public static var rootItem: Self { Self(132) }
    /// (subvolume, type, parent subvolume): where the subvolume hangs, and under which name.
    @inlinable public static var rootBackref: Self { Self(144) }
    /// (parent subvolume, type, subvolume): the same the other way round.
    @inlinable public static var rootRef: Self { Self(156) }
    /// (logical address, type, size in bytes): an extent of data, or a tree block in the old form, and its references.
    @inlinable public static var extentItem: Self { Self(168) }
    /// (logical address, type, level): a tree block and its references, with `IncompatFeatures.skinnyMetadata`.
    @inlinable public static var metadataItem: Self { Self(169) }
    /// Within an extent item: the subvolume that is charged for it, with simple quotas.
    @inlinable public static var extentOwnerRef: Self { Self(172) }
    /// (logical address, type, tree): the tree refers to this block.
    @inlinable public static var treeBlockRef: Self { Self(176) }
    /// (logical address, type, hash): a file of a subvolume refers to this extent.
    @inlinable public static var extentDataRef: Self { Self(178) }
    /// (logical address, type, address of the parent): a node refers to this block.
    @inlinable public static var sharedBlockRef: Self { Self(182) }
    /// (logical address, type, address of the leaf): a leaf refers to this extent.
    @inlinable public static var sharedDataRef: Self { Self(184) }
    /// (logical address, type, size): a block group and how much of it is used.
    @inlinable public static var blockGroupItem: Self { Self(192) }
    /// (logical address, type, size): in which form the free space of a block group is kept.
    @inlinable public static var freeSpaceInfo: Self { Self(198) }
    /// (logical address, type, size): a free range; the item has no data.
    @inlinable public static var freeSpaceExtent: Self { Self(199) }
    /// (logical address, type, size): a bit for each sector of a range, set where it is free.
    @inlinable public static var freeSpaceBitmap: Self { Self(200) }
    /// (device, type, physical address): a part of a device that belongs to a chunk.
    @inlinable public static var deviceExtent: Self { Self(204) }
    /// (1, type, device): a device of the volume.
    @inlinable public static var deviceItem: Self { Self(216) }
    /// (256, type, logical address): where a range of logical addresses is on the devices.
    @inlinable public static var chunkItem: Self { Self(228) }
    /// An item of `ObjectID.raidStripeTree`.
    @inlinable public static var raidStripe: Self { Self(230) }
    /// (0, type, 0): whether quotas are kept, and whether they can be trusted.
    @inlinable public static var qgroupStatus: Self { Self(240) }
    /// (0, type, group): how much a quota group uses.
    @inlinable public static var qgroupInfo: Self { Self(242) }
    /// (0, type, group): how much a quota group may use.
    @inlinable public static var qgroupLimit: Self { Self(244) }
    /// (group, type, group): one of the two contains the other; there is an item for each direction.
    @inlinable public static var qgroupRelation: Self { Self(246) }
    /// Things that do not outlive a mount, such as the state of a balance.
    @inlinable public static var temporaryItem: Self { Self(248) }
    /// Things that stay, such as the error counts of a device.
    @inlinable public static var persistentItem: Self { Self(249) }
    /// (0, type, 0): the state of the replacement of a device.
    @inlinable public static var deviceReplace: Self { Self(250) }
    /// The key is a UUID: the subvolume that has it.
    @inlinable public static var uuidSubvolume: Self { Self(251) }
    /// The key is a UUID: the subvolumes that were received from the one that has it.
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
    /// No key is before this one.
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
