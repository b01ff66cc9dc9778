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
    public var fsid: UUID
    public var address: LogicalAddress
    public var flags: UInt64
    public var chunkTreeUUID: UUID
    public var generation: Generation
    public var owner: ObjectID
    public var itemCount: Int
    public var level: UInt8

    @inlinable public static var byteCount: Int { 101 }
    /// The bytes in front that hold the checksum and are not part of it.
    @inlinable public static var checksumByteCount: Int { 32 }
    @inlinable public static var writtenFlag: UInt64 { 1 << 0 }
    @inlinable public static var relocationFlag: UInt64 { 1 << 1 }
    /// The flags of a block as it is written: back reference revision 1, WRITTEN.
    @inlinable public static var standardFlags: UInt64 { 1 << 56 | writtenFlag }
    /// Trees have at most this many levels.
    @inlinable public static var maximumLevels: Int { 8 }

    @usableFromInline static var fsidOffset: Int { 32 }
    @usableFromInline static var addressOffset: Int { 48 }
    public static var flagsOffset: Int { 56 }
    @usableFromInline static var chunkTreeUUIDOffset: Int { 64 }
    public static var generationOffset: Int { 80 }
    @usableFromInline static var ownerOffset: Int { 88 }
    @inlinable public static var itemCountOffset: Int { 96 }
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
