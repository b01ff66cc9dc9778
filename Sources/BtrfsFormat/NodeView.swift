/// An internal node in place: an array of 33-byte pointers to the blocks one level below, each with the first
/// key found there: key (17), address (u64), generation (u64).
///
/// The corresponding on-disk structures are `btrfs_node` and `btrfs_key_ptr`.
public struct NodeView: ~Escapable {
    public let bytes: RawSpan

    /// The size of a pointer and its key, in bytes.
    @inlinable public static var pointerByteCount: Int { 33 }
    /// Where in that the address is.
    @inlinable public static var addressOffset: Int { 17 }
    /// Where in that the generation is.
    @inlinable public static var generationOffset: Int { 25 }

    @inline(always) @inlinable
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { self.bytes = bytes }

    /// How many pointers there are, as the header says.
    @inline(always) @inlinable
    public var count: Int {
        get throws(FormatError) { Int(try bytes.u32(at: BlockHeader.itemCountOffset)) }
    }

    /// How many pointers fit in a node of `nodeSize` bytes.
    @inlinable public static func capacity(nodeSize: Int) -> Int {
        (nodeSize - BlockHeader.byteCount) / pointerByteCount
    }

    /// Where the pointer in `slot` starts in the block.
    @inline(always) @inlinable
    public static func pointerOffset(_ slot: Int) -> Int { BlockHeader.byteCount + slot * pointerByteCount }

    /// The first key of the block behind the pointer.
    @inline(always) @inlinable
    public func key(at slot: Int) throws(FormatError) -> Key { try Key(bytes, at: Self.pointerOffset(slot)) }

    /// The address of the block behind the pointer.
    @inline(always) @inlinable
    public func child(at slot: Int) throws(FormatError) -> LogicalAddress {
        LogicalAddress(try bytes.u64(at: Self.pointerOffset(slot) + Self.addressOffset))
    }

    /// The generation of the block behind the pointer.
    @inline(always) @inlinable
    public func childGeneration(at slot: Int) throws(FormatError) -> Generation {
        try bytes.u64(at: Self.pointerOffset(slot) + Self.generationOffset)
    }

    /// The slot whose child holds `key` if any does: the last with a first key not above it, or 0.
    ///
    /// - Complexity: O(log *n*) key comparisons.
    @inlinable
    public func search(_ key: Key) throws(FormatError) -> Int {
        var low = 0
        var high = try count
        while low < high {
            let middle = (low &+ high) / 2
            if try self.key(at: middle) <= key { low = middle &+ 1 } else { high = middle }
        }
        return max(low - 1, 0)
    }
}
