/// Where a tree starts, and for a subvolume what is known of it.
///
/// Key: (tree, ROOT_ITEM, 0 or the transaction in which a snapshot was made); in the root tree of the log
/// (-6, ROOT_ITEM, subvolume).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 160 | an inode item |
/// | 160 | 79 | generation, root directory, address, sizes, flags, refs, drop progress, level |
/// | 239 | 136 | generation again, UUIDs, transactions and times |
/// | 375 | 64 | reserved |
///
/// Kernels before 3.6 wrote only the first 239 bytes. Where both generations differ, such a kernel changed
/// the item last and the tail says nothing: its fields then read as zero.
///
/// The item is kept as its bytes, so that what is not known survives a rewrite.
///
/// The corresponding on-disk structure is `btrfs_root_item`.
public struct RootItem: Equatable, Sendable {
    private var record: FieldRecord
    /// Whether the item has the form without the tail, 239 bytes.
    public private(set) var isLegacy: Bool

    public static var byteCount: Int { Fields.reserved.end }
    /// The size of an item without the tail.
    public static var legacyByteCount: Int { Fields.generationV2.offset }

    enum Fields {
        static var generation: Field<Generation> { Field("generation", at: 160) }
        static var rootDirectory: Field<ObjectID> { Field("root_dirid", at: 168) }
        static var address: Field<LogicalAddress> { Field("bytenr", at: 176) }
        static var byteLimit: Field<UInt64> { Field("byte_limit", at: 184) }
        static var bytesUsed: Field<UInt64> { Field("bytes_used", at: 192) }
        static var lastSnapshot: Field<Generation> { Field("last_snapshot", at: 200) }
        static var flags: Field<RootFlags> { Field("flags", at: 208) }
        static var refs: Field<UInt32> { Field("refs", at: 216) }
        static var dropProgress: Field<Key> { Field("drop_progress", at: 220) }
        static var dropLevel: Field<UInt8> { Field("drop_level", at: 237) }
        static var level: Field<UInt8> { Field("level", at: 238) }
        static var generationV2: Field<Generation> { Field("generation_v2", at: 239) }
        static var uuid: Field<UUID> { Field("uuid", at: 247) }
        static var parentUUID: Field<UUID> { Field("parent_uuid", at: 263) }
        static var receivedUUID: Field<UUID> { Field("received_uuid", at: 279) }
        static var ctransid: Field<Generation> { Field("ctransid", at: 295) }
        static var otransid: Field<Generation> { Field("otransid", at: 303) }
        static var stransid: Field<Generation> { Field("stransid", at: 311) }
        static var rtransid: Field<Generation> { Field("rtransid", at: 319) }
        static var ctime: Field<Timestamp> { Field("ctime", at: 327) }
        static var otime: Field<Timestamp> { Field("otime", at: 339) }
        static var stime: Field<Timestamp> { Field("stime", at: 351) }
        static var rtime: Field<Timestamp> { Field("rtime", at: 363) }
        static var reserved: BytesField { BytesField("reserved", at: 375, byteCount: 64) }
    }

    private static let legacyFields: [any LayoutElement] = [
        Fields.generation, Fields.rootDirectory, Fields.address, Fields.byteLimit, Fields.bytesUsed,
        Fields.lastSnapshot, Fields.flags, Fields.refs, Fields.dropProgress, Fields.dropLevel, Fields.level,
    ]
    private static let tailFields: [any LayoutElement] = [
        Fields.generationV2, Fields.uuid, Fields.parentUUID, Fields.receivedUUID, Fields.ctransid,
        Fields.otransid, Fields.stransid, Fields.rtransid, Fields.ctime, Fields.otime, Fields.stime,
        Fields.rtime, Fields.reserved,
    ]
    /// The fields after the inode item, of which `InodeItem.layout` tells.
    public static let layout = Layout("root_item", byteCount: byteCount, legacyFields + tailFields)
    /// The same of an item without the tail.
    public static let legacyLayout = Layout("root_item", byteCount: legacyByteCount, legacyFields)

    /// - Throws: `FormatError.invalid` when the item has neither of its two sizes.
    public init(_ bytes: RawSpan) throws(FormatError) {
        guard bytes.byteCount == Self.byteCount || bytes.byteCount == Self.legacyByteCount else {
            throw .invalid(
                "a root item has \(Self.byteCount) or \(Self.legacyByteCount) bytes, not \(bytes.byteCount)")
        }
        record = FieldRecord(bytes, byteCount: Self.byteCount)
        isLegacy = bytes.byteCount == Self.legacyByteCount
    }

    /// The item of a new tree.
    ///
    /// The embedded inode is that of an empty directory, as the kernel writes it for every tree.
    public init(address: LogicalAddress, level: UInt8, generation: Generation) {
        record = FieldRecord(zeros: Self.byteCount)
        isLegacy = false
        record[Fields.refs] = 1
        move(to: address, level: level, generation: generation)
    }

    /// The inode that Linux puts into root items: of the fields only the flags mean something.
    ///
    /// - Parameter nodeSize: of the volume, in bytes.
    public static func inode(nodeSize: Int) -> InodeItem {
        var inode = InodeItem(generation: 1, mode: 0o040755, time: .zero)
        inode.transid = 0
        inode.size = 3
        inode.nbytes = UInt64(nodeSize)
        return inode
    }

    /// The bytes of the item: 439, or 239 when it was read so and nothing of the tail was set.
    public var encoded: [UInt8] { isLegacy ? Array(record.bytes.prefix(Self.legacyByteCount)) : record.bytes }
}

extension RootItem {
    /// Whether the fields of the tail mean anything.
    public var hasValidTail: Bool { !isLegacy && record[Fields.generationV2] == record[Fields.generation] }

    /// Lets the tree start at another block: sets address, level and both generations. A tail that says
    /// nothing is cleared first, since from now on it would be believed.
    public mutating func move(to address: LogicalAddress, level: UInt8, generation: Generation) {
        validateTail()
        record[Fields.address] = address
        record[Fields.level] = level
        record[Fields.generation] = generation
        record[Fields.generationV2] = generation
    }

    /// Makes the tail count: clears it if it said nothing.
    private mutating func validateTail() {
        if hasValidTail { return }
        record.clear(Fields.generationV2.offset..<Self.byteCount)
        record[Fields.generationV2] = record[Fields.generation]
        isLegacy = false
    }

    private func tail<Value>(_ field: Field<Value>, else absent: Value) -> Value {
        hasValidTail ? record[field] : absent
    }

    private mutating func setTail<Value>(_ field: Field<Value>, _ value: Value) {
        validateTail()
        record[field] = value
    }

    /// The inode item at the front. Subvolumes keep flags there; its other fields are hardly used.
    public var inode: InodeItem {
        get {
            do { return try InodeItem(record.bytes.rawSpan) } catch {
                preconditionFailure("an inode item does not fit a root item: \(error)")
            }
        }
        set { record.replace(at: 0, with: newValue.encoded) }
    }
    /// The transaction that changed the tree last. Setting it alone makes the tail invalid; see `move`.
    public var generation: Generation {
        get { record[Fields.generation] }
        set { record[Fields.generation] = newValue }
    }
    /// The generation once more, written only by kernels that know the tail.
    public var generationV2: Generation {
        get { isLegacy ? 0 : record[Fields.generationV2] }
        set {
            isLegacy = false
            record[Fields.generationV2] = newValue
        }
    }
    /// The inode of a subvolume's top directory (256); 0 for other trees.
    public var rootDirID: ObjectID {
        get { record[Fields.rootDirectory] }
        set { record[Fields.rootDirectory] = newValue }
    }
    /// Where the root block is.
    public var address: LogicalAddress {
        get { record[Fields.address] }
        set { record[Fields.address] = newValue }
    }
    /// The level of the root block; 0 when the tree is one leaf.
    public var level: UInt8 {
        get { record[Fields.level] }
        set { record[Fields.level] = newValue }
    }
    /// Not used by the kernel.
    public var byteLimit: UInt64 {
        get { record[Fields.byteLimit] }
        set { record[Fields.byteLimit] = newValue }
    }
    /// Bytes of all blocks of the tree.
    public var bytesUsed: UInt64 {
        get { record[Fields.bytesUsed] }
        set { record[Fields.bytesUsed] = newValue }
    }
    /// The transaction of the last snapshot of this tree: blocks with a higher generation are not shared.
    public var lastSnapshot: Generation {
        get { record[Fields.lastSnapshot] }
        set { record[Fields.lastSnapshot] = newValue }
    }
    /// What holds for the tree.
    public var flags: RootFlags {
        get { record[Fields.flags] }
        set { record[Fields.flags] = newValue }
    }
    /// 0 when the subvolume is deleted and its tree is being dropped.
    public var refs: UInt32 {
        get { record[Fields.refs] }
        set { record[Fields.refs] = newValue }
    }
    /// How far the deletion of the tree has come.
    public var dropProgress: Key {
        get { record[Fields.dropProgress] }
        set { record[Fields.dropProgress] = newValue }
    }
    /// How far the deletion of the tree has come: the level.
    public var dropLevel: UInt8 {
        get { record[Fields.dropLevel] }
        set { record[Fields.dropLevel] = newValue }
    }
}

/// The fields of the tail: zero where the tail says nothing; setting one makes the tail count.
extension RootItem {
    /// The UUID of the subvolume.
    public var uuid: UUID {
        get { tail(Fields.uuid, else: UUID(low: 0, high: 0)) }
        set { setTail(Fields.uuid, newValue) }
    }
    /// The subvolume of which this is a snapshot.
    public var parentUUID: UUID {
        get { tail(Fields.parentUUID, else: UUID(low: 0, high: 0)) }
        set { setTail(Fields.parentUUID, newValue) }
    }
    /// The subvolume on another volume from which this one was received.
    public var receivedUUID: UUID {
        get { tail(Fields.receivedUUID, else: UUID(low: 0, high: 0)) }
        set { setTail(Fields.receivedUUID, newValue) }
    }
    /// The transaction that changed an inode of the subvolume last.
    public var ctransid: Generation {
        get { tail(Fields.ctransid, else: 0) }
        set { setTail(Fields.ctransid, newValue) }
    }
    /// The transaction in which the subvolume was created.
    public var otransid: Generation {
        get { tail(Fields.otransid, else: 0) }
        set { setTail(Fields.otransid, newValue) }
    }
    /// The transaction in which the subvolume was sent.
    public var stransid: Generation {
        get { tail(Fields.stransid, else: 0) }
        set { setTail(Fields.stransid, newValue) }
    }
    /// The transaction in which the subvolume was received.
    public var rtransid: Generation {
        get { tail(Fields.rtransid, else: 0) }
        set { setTail(Fields.rtransid, newValue) }
    }
    /// When the subvolume was changed last.
    public var ctime: Timestamp {
        get { tail(Fields.ctime, else: .zero) }
        set { setTail(Fields.ctime, newValue) }
    }
    /// When the subvolume was created.
    public var otime: Timestamp {
        get { tail(Fields.otime, else: .zero) }
        set { setTail(Fields.otime, newValue) }
    }
    /// When it was sent.
    public var stime: Timestamp {
        get { tail(Fields.stime, else: .zero) }
        set { setTail(Fields.stime, newValue) }
    }
    /// When it was received.
    public var rtime: Timestamp {
        get { tail(Fields.rtime, else: .zero) }
        set { setTail(Fields.rtime, newValue) }
    }
}

/// Properties of a subvolume.
///
/// The corresponding kernel constants are `BTRFS_ROOT_SUBVOL_*`.
public struct RootFlags: OptionSet, Hashable, OpenFieldValue {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The subvolume is read-only.
    @inlinable public static var readOnly: Self { Self(rawValue: 1 << 0) }
    /// The subvolume is being deleted.
    @inlinable public static var dead: Self { Self(rawValue: 1 << 48) }

    /// The flags that have a meaning.
    public static let known: Self = [.readOnly, .dead]
    public static let names: NumberNames = [0: "RDONLY", 48: "DEAD"]
    public static var fieldFormat: FieldFormat { .flags(names) }
}
