/// Who uses a range of disk space, and how often.
///
/// Keys: (address, EXTENT_ITEM, length) for data and, on old volumes, tree blocks; (address, METADATA_ITEM,
/// level) for tree blocks. An EXTENT_ITEM of a tree block is followed by `TreeBlockInfo`; then come
/// references, inline.
///
/// The corresponding on-disk structure is `btrfs_extent_item`.
public struct ExtentItem: FixedSizeItem {
    /// What kind of extent it is.
    public struct Flags: OptionSet, Hashable, OpenFieldValue {
        public var rawValue: UInt64
        @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
        /// Content of files.
        @inlinable public static var data: Self { Self(rawValue: 1 << 0) }
        /// A tree block.
        @inlinable public static var treeBlock: Self { Self(rawValue: 1 << 1) }
        /// The children of this block are referenced by its address and not by its tree.
        @inlinable public static var fullBackref: Self { Self(rawValue: 1 << 8) }

        public static let names: NumberNames = [0: "DATA", 1: "TREE_BLOCK", 8: "FULL_BACKREF"]
        public static var fieldFormat: FieldFormat { .flags(names) }
    }

    /// The sum of all references, inline and keyed.
    public var refs: UInt64
    /// The transaction that allocated the extent.
    public var generation: Generation
    /// What kind of extent it is.
    public var flags: Flags

    @inlinable public static var byteCount: Int { Fields.flags.end }

    @usableFromInline enum Fields {
        @inlinable static var refs: Field<UInt64> { Field("refs", at: 0) }
        @inlinable static var generation: Field<Generation> { Field("generation", at: 8) }
        @inlinable static var flags: Field<Flags> { Field("flags", at: 16) }
    }
    public static let layout = Layout(
        "extent_item", byteCount: byteCount, [Fields.refs, Fields.generation, Fields.flags])

    @inlinable
    public init(_ bytes: RawSpan) throws(FormatError) {
        refs = try Fields.refs.read(bytes)
        generation = try Fields.generation.read(bytes)
        flags = try Fields.flags.read(bytes)
    }

    /// The start of the item of an extent.
    public init(refs: UInt64, generation: Generation, flags: Flags) {
        self.refs = refs
        self.generation = generation
        self.flags = flags
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.refs.write(refs, to: &target, at: position)
        Fields.generation.write(generation, to: &target, at: position)
        Fields.flags.write(flags, to: &target, at: position)
    }

    /// Whether the extent holds file data.
    @inlinable public var isData: Bool { flags.contains(.data) }
    /// Whether the extent is a tree block.
    @inlinable public var isTreeBlock: Bool { flags.contains(.treeBlock) }
    /// Whether what is below the block is referred to by its address.
    @inlinable public var hasFullBackref: Bool { flags.contains(.fullBackref) }

    /// Whether `TreeBlockInfo` follows in an item with a key of this type.
    @inlinable
    public func hasTreeBlockInfo(in type: KeyType) -> Bool { isTreeBlock && type == .extentItem }

    /// Where the inline references start in an item with a key of this type.
    @inlinable
    public func inlineRefsOffset(in type: KeyType) -> Int {
        Self.byteCount + (hasTreeBlockInfo(in: type) ? TreeBlockInfo.byteCount : 0)
    }
}

/// First key and level of a tree block, in volumes without the feature SKINNY_METADATA.
///
/// The corresponding on-disk structure is `btrfs_tree_block_info`.
public struct TreeBlockInfo: FixedSizeItem {
    /// The first key of the block.
    public var key: Key
    /// The level of the block.
    public var level: UInt8

    @inlinable public static var byteCount: Int { Key.byteCount + 1 }

    enum Fields {
        static var key: Field<Key> { Field("key", at: 0) }
        static var level: Field<UInt8> { Field("level", at: 17) }
    }
    public static let layout = Layout("tree_block_info", byteCount: byteCount, [Fields.key, Fields.level])

    public init(_ bytes: RawSpan) throws(FormatError) {
        key = try Fields.key.read(bytes)
        level = try Fields.level.read(bytes)
    }

    /// What old extent items say of a block.
    public init(key: Key, level: UInt8) {
        self.key = key
        self.level = level
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.key.write(key, to: &target, at: position)
        Fields.level.write(level, to: &target, at: position)
    }
}

/// How often a file uses a data extent. Pieces of one extent share a reference as long as they give the same
/// offset.
///
/// Inline in an extent item, or keyed (address, EXTENT_DATA_REF, hash), the offset raised by 1 on a
/// collision.
///
/// The corresponding on-disk structure is `btrfs_extent_data_ref`.
public struct ExtentDataRef: FixedSizeItem, Hashable {
    /// The tree of the subvolume.
    public var root: ObjectID
    /// The inode.
    public var objectID: ObjectID
    /// Offset in the file minus offset in the extent, which may wrap below zero.
    public var offset: UInt64
    /// How many references it stands for.
    public var count: UInt32

    @inlinable public static var byteCount: Int { Fields.count.end }

    @usableFromInline enum Fields {
        @inlinable static var root: Field<ObjectID> { Field("root", at: 0) }
        @inlinable static var objectID: Field<ObjectID> { Field("objectid", at: 8) }
        @inlinable static var offset: Field<UInt64> { Field("offset", at: 16) }
        @inlinable static var count: Field<UInt32> { Field("count", at: 24) }
    }
    public static let layout = Layout(
        "extent_data_ref", byteCount: byteCount, [Fields.root, Fields.objectID, Fields.offset, Fields.count])

    @inlinable
    public init(_ bytes: RawSpan) throws(FormatError) {
        root = try Fields.root.read(bytes)
        objectID = try Fields.objectID.read(bytes)
        offset = try Fields.offset.read(bytes)
        count = try Fields.count.read(bytes)
    }

    /// References by a file.
    public init(root: ObjectID, objectID: ObjectID, offset: UInt64, count: UInt32) {
        self.root = root
        self.objectID = objectID
        self.offset = offset
        self.count = count
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.root.write(root, to: &target, at: position)
        Fields.objectID.write(objectID, to: &target, at: position)
        Fields.offset.write(offset, to: &target, at: position)
        Fields.count.write(count, to: &target, at: position)
    }

    /// The hash by which inline references are ordered and keyed ones are found.
    public var hash: UInt64 { Self.hash(root: root, objectID: objectID, offset: offset) }

    /// The corresponding kernel function is `hash_extent_data_ref`.
    public static func hash(root: ObjectID, objectID: ObjectID, offset: UInt64) -> UInt64 {
        let high = CRC32C.raw(seed: .max, root.rawValue)
        let low = CRC32C.raw(seed: CRC32C.raw(seed: .max, objectID.rawValue), offset)
        return UInt64(high) << 31 ^ UInt64(low)
    }
}

/// How often a shared leaf uses a data extent.
///
/// Key: (address, SHARED_DATA_REF, address of the leaf); inline the address of the leaf stands in front.
///
/// The corresponding on-disk structure is `btrfs_shared_data_ref`.
public struct SharedDataRef: FixedSizeItem {
    /// How many references it stands for.
    public var count: UInt32

    @inlinable public static var byteCount: Int { 4 }

    enum Fields {
        static var count: Field<UInt32> { Field("count", at: 0) }
    }
    public static let layout = Layout("shared_data_ref", byteCount: byteCount, [Fields.count])

    public init(_ bytes: RawSpan) throws(FormatError) { count = try Fields.count.read(bytes) }
    /// References by a shared leaf.
    public init(count: UInt32) { self.count = count }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.count.write(count, to: &target, at: position)
    }
}
