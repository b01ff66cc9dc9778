/// A reference inside an extent item.
///
/// | type | bytes | after the type byte |
/// |---|---|---|
/// | 172 EXTENT_OWNER_REF | 9 | root (u64) |
/// | 176 TREE_BLOCK_REF | 9 | root (u64) |
/// | 178 EXTENT_DATA_REF | 29 | `ExtentDataRef` |
/// | 182 SHARED_BLOCK_REF | 9 | address of the parent (u64) |
/// | 184 SHARED_DATA_REF | 13 | address of the leaf (u64), count (u32) |
///
/// They are ordered by type, ascending, and within a type by `sequence`, descending.
///
/// The corresponding on-disk structure is `btrfs_extent_inline_ref`.
public enum InlineRef: Hashable, Sendable {
    /// Who is charged for the extent, with simple quotas; no reference of its own.
    case owner(root: ObjectID)
    /// A tree refers to the block.
    case treeBlock(root: ObjectID)
    /// A file refers to the extent.
    case data(ExtentDataRef)
    /// A node that is shared refers to the block.
    case sharedBlock(parent: LogicalAddress)
    /// A leaf that is shared refers to the extent.
    case sharedData(parent: LogicalAddress, count: UInt32)

    /// The reference at the start of `bytes`; what follows is ignored.
    ///
    /// - Throws: `FormatError` when it does not lie within `bytes` or its type is not one of the five.
    @inlinable
    public init(_ bytes: RawSpan) throws(FormatError) {
        let type = KeyType(try bytes.u8(at: 0))
        switch type {
        case .extentOwnerRef: self = .owner(root: ObjectID(try bytes.u64(at: 1)))
        case .treeBlockRef: self = .treeBlock(root: ObjectID(try bytes.u64(at: 1)))
        case .extentDataRef:
            self = .data(try ExtentDataRef(bytes.slice(at: 1, count: ExtentDataRef.byteCount)))
        case .sharedBlockRef: self = .sharedBlock(parent: LogicalAddress(try bytes.u64(at: 1)))
        case .sharedDataRef:
            self = .sharedData(parent: LogicalAddress(try bytes.u64(at: 1)), count: try bytes.u32(at: 9))
        default:
            throw .invalid("\(type.rawValue) is no type of an inline reference (172, 176, 178, 182, 184)")
        }
    }

    /// The type of the key that the same reference has as an item of its own.
    @inlinable
    public var type: KeyType {
        switch self {
        case .owner: .extentOwnerRef
        case .treeBlock: .treeBlockRef
        case .data: .extentDataRef
        case .sharedBlock: .sharedBlockRef
        case .sharedData: .sharedDataRef
        }
    }

    /// The size in bytes with the type byte.
    @inlinable public var byteCount: Int { Self.byteCount(of: type) ?? 0 }

    /// The size in bytes of a reference of this type with the type byte; nil when there is no such reference.
    @inlinable
    public static func byteCount(of type: KeyType) -> Int? {
        switch type {
        case .extentOwnerRef, .treeBlockRef, .sharedBlockRef: 9
        case .extentDataRef: 1 + ExtentDataRef.byteCount
        case .sharedDataRef: 13
        default: nil
        }
    }

    /// By what references of one type are ordered: the hash of a data reference, otherwise the number it
    /// holds. Also the offset of the key that the same reference has as an item of its own.
    public var sequence: UInt64 {
        switch self {
        case .owner(let root), .treeBlock(let root): root.rawValue
        case .data(let reference): reference.hash
        case .sharedBlock(let parent), .sharedData(let parent, _): parent.rawValue
        }
    }

    /// How many of the item's `refs` this reference stands for. An owner is no reference.
    @inlinable
    public var count: UInt32 {
        switch self {
        case .owner: 0
        case .treeBlock, .sharedBlock: 1
        case .data(let reference): reference.count
        case .sharedData(_, let count): count
        }
    }

    /// Whether both say who refers and differ at most in how often.
    public func isSameReferrer(as other: InlineRef) -> Bool { withCount(0) == other.withCount(0) }

    /// The same reference with another count; a reference that has none stays as it is.
    public func withCount(_ count: UInt32) -> InlineRef {
        switch self {
        case .owner, .treeBlock, .sharedBlock: return self
        case .data(var reference):
            reference.count = count
            return .data(reference)
        case .sharedData(let parent, _): return .sharedData(parent: parent, count: count)
        }
    }

    /// Whether `self` stands before `other` in an extent item.
    public func precedes(_ other: InlineRef) -> Bool {
        type == other.type ? sequence > other.sequence : type < other.type
    }

    /// The bytes with the type byte.
    public var encoded: [UInt8] {
        [UInt8](byteCount: byteCount) { (target: inout MutableRawSpan) in store(in: &target, at: 0) }
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        target.store(type.rawValue, at: position)
        switch self {
        case .owner(let root), .treeBlock(let root): target.store(root.rawValue, at: position + 1)
        case .data(let reference): reference.store(in: &target, at: position + 1)
        case .sharedBlock(let parent): target.store(parent.rawValue, at: position + 1)
        case .sharedData(let parent, let count):
            target.store(parent.rawValue, at: position + 1)
            target.store(count, at: position + 9)
        }
    }

    /// The content of the item that this reference is when it does not stand inline. The key is (address of
    /// the extent, `type`, `sequence`).
    public var keyedItem: [UInt8] {
        switch self {
        case .owner, .treeBlock, .sharedBlock: []
        case .data(let reference): reference.encoded
        case .sharedData(_, let count): SharedDataRef(count: count).encoded
        }
    }
}

/// The references inside an extent item, in place.
public struct InlineRefs: ~Escapable {
    @usableFromInline let bytes: RawSpan
    @usableFromInline var position: Int
    /// Where in the item the reference that `next` returned last starts.
    public private(set) var offset: Int

    /// - Parameters:
    ///   - item: the whole item
    ///   - type: the type of its key: EXTENT_ITEM or METADATA_ITEM
    /// - Throws: `FormatError.outOfBounds` when the item is shorter than its header.
    @_lifetime(copy item)
    public init(_ item: RawSpan, in type: KeyType) throws(FormatError) {
        let start = try ExtentItem(item).inlineRefsOffset(in: type)
        _ = try item.slice(at: 0, count: start)
        bytes = item
        position = start
        offset = start
    }

    /// The next reference; nil at the end of the item.
    ///
    /// - Throws: `FormatError` when the bytes that are left are none. The cursor then stays where it is.
    @_lifetime(self: copy self)
    public mutating func next() throws(FormatError) -> InlineRef? {
        if position >= bytes.byteCount { return nil }
        let reference = try InlineRef(bytes.slice(at: position, count: bytes.byteCount - position))
        offset = position
        position += reference.byteCount
        return reference
    }
}
