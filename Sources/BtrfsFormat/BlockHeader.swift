/// The first 101 bytes of every tree block.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 32 | checksum of all that follows |
/// | 32 | 16 | fsid (of the metadata) |
/// | 48 | 8 | address of this block |
/// | 56 | 8 | flags; the top byte is the back reference revision |
/// | 64 | 16 | UUID of the chunk tree |
/// | 80 | 8 | generation |
/// | 88 | 8 | owner: the tree for which the block was written |
/// | 96 | 4 | number of items |
/// | 100 | 1 | level; 0 is a leaf |
///
/// The corresponding on-disk structure is `btrfs_header`.
public struct BlockHeader: Equatable, Sendable {
    /// The file system; with the feature METADATA_UUID its metadata UUID.
    public var fsid: UUID
    /// Where the block is.
    public var address: LogicalAddress
    /// What is known of the block, such as that it was written.
    public var flags: UInt64
    /// The UUID of the chunk tree.
    public var chunkTreeUUID: UUID
    /// The transaction that wrote the block.
    public var generation: Generation
    /// The tree for which the block was made.
    public var owner: ObjectID
    /// How many items a leaf has, or how many pointers a node.
    public var itemCount: Int
    /// 0 for a leaf.
    public var level: UInt8

    /// The size of the header in bytes.
    @inlinable public static var byteCount: Int { 101 }
    /// The bytes in front that hold the checksum and are not part of it.
    @inlinable public static var checksumByteCount: Int { 32 }
    /// The block was written since it was allocated.
    @inlinable public static var writtenFlag: UInt64 { 1 << 0 }
    /// The block belongs to a tree by which a balance moves blocks.
    @inlinable public static var relocationFlag: UInt64 { 1 << 1 }
    /// The flags of a block as it is written: back reference revision 1, WRITTEN.
    @inlinable public static var standardFlags: UInt64 { 1 << 56 | writtenFlag }
    /// Trees have at most this many levels.
    @inlinable public static var maximumLevels: Int { 8 }

    @usableFromInline static var fsidOffset: Int { 32 }
    @usableFromInline static var addressOffset: Int { 48 }
    /// Where the flags are, in bytes from the start of the block.
    public static var flagsOffset: Int { 56 }
    @usableFromInline static var chunkTreeUUIDOffset: Int { 64 }
    /// Where the generation is.
    public static var generationOffset: Int { 80 }
    @usableFromInline static var ownerOffset: Int { 88 }
    /// Where the number of items is.
    @inlinable public static var itemCountOffset: Int { 96 }
    /// Where the level is.
    @inlinable public static var levelOffset: Int { 100 }

    public init(_ bytes: RawSpan) throws(FormatError) {
        fsid = try bytes.uuid(at: Self.fsidOffset)
        address = LogicalAddress(try bytes.u64(at: Self.addressOffset))
        flags = try bytes.u64(at: Self.flagsOffset)
        chunkTreeUUID = try bytes.uuid(at: Self.chunkTreeUUIDOffset)
        generation = try bytes.u64(at: Self.generationOffset)
        owner = ObjectID(try bytes.u64(at: Self.ownerOffset))
        itemCount = Int(try bytes.u32(at: Self.itemCountOffset))
        level = try bytes.u8(at: Self.levelOffset)
    }

    /// The header of a new block.
    public init(
        fsid: UUID, address: LogicalAddress, flags: UInt64 = BlockHeader.standardFlags, chunkTreeUUID: UUID,
        generation: Generation, owner: ObjectID, itemCount: Int = 0, level: UInt8
    ) {
        self.fsid = fsid
        self.address = address
        self.flags = flags
        self.chunkTreeUUID = chunkTreeUUID
        self.generation = generation
        self.owner = owner
        self.itemCount = itemCount
        self.level = level
    }

    /// Stores all fields but the checksum.
    public func store(in block: inout MutableRawSpan) {
        block.store(fsid, at: Self.fsidOffset)
        block.store(address.rawValue, at: Self.addressOffset)
        block.store(flags, at: Self.flagsOffset)
        block.store(chunkTreeUUID, at: Self.chunkTreeUUIDOffset)
        block.store(generation, at: Self.generationOffset)
        block.store(owner.rawValue, at: Self.ownerOffset)
        block.store(UInt32(itemCount), at: Self.itemCountOffset)
        block.store(level, at: Self.levelOffset)
    }

    /// Whether the block was written for a relocation tree.
    @inlinable public var isRelocation: Bool { flags & Self.relocationFlag != 0 }
}
