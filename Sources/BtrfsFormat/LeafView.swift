/// A leaf in place: an array of item headers that grows up from the block header, and the items' data that
/// grows down from the end of the block.
///
///     | header 101 | item 0 | item 1 | ... | item n-1 |   free   | data n-1 | ... | data 1 | data 0 |
///
/// An item header is 25 bytes: key (17), offset of the data counted from byte 101 (u32), size of the data
/// (u32).
///
/// The corresponding on-disk structures are `btrfs_leaf` and `btrfs_item`.
public struct LeafView: ~Escapable {
    public let bytes: RawSpan

    /// The size of what a leaf has of each item at its front, in bytes.
    @inlinable public static var itemHeaderByteCount: Int { 25 }
    /// Where in that the place of the item's data is.
    @inlinable public static var dataOffsetOffset: Int { 17 }
    /// Where in that the size of the item's data is.
    @inlinable public static var dataSizeOffset: Int { 21 }

    /// The most bytes that the data of an item can have where tree blocks have `nodeSize` bytes.
    ///
    /// The corresponding kernel macro is `BTRFS_MAX_ITEM_SIZE`.
    @inlinable public static func maximumItemByteCount(nodeSize: Int) -> Int {
        nodeSize - BlockHeader.byteCount - itemHeaderByteCount
    }

    @inline(always) @inlinable
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { self.bytes = bytes }

    /// The number of items the block header says there are.
    @inline(always) @inlinable
    public var count: Int {
        get throws(FormatError) { Int(try bytes.u32(at: BlockHeader.itemCountOffset)) }
    }

    /// Where the header of the item in `slot` starts in the block.
    @inline(always) @inlinable
    public static func headerOffset(_ slot: Int) -> Int { BlockHeader.byteCount + slot * itemHeaderByteCount }

    /// The key of the item with this number.
    ///
    /// - Throws: `FormatError.outOfBounds`.
    @inline(always) @inlinable
    public func key(at slot: Int) throws(FormatError) -> Key { try Key(bytes, at: Self.headerOffset(slot)) }

    /// Offset in the block and size of the data of the item in `slot`.
    @inline(always) @inlinable
    public func dataRange(at slot: Int) throws(FormatError) -> (offset: Int, size: Int) {
        let header = Self.headerOffset(slot)
        return (
            BlockHeader.byteCount + Int(try bytes.u32(at: header + Self.dataOffsetOffset)),
            Int(try bytes.u32(at: header + Self.dataSizeOffset))
        )
    }

    /// The data of the item in `slot`.
    @inline(always) @inlinable
    @_lifetime(copy self)
    public func data(at slot: Int) throws(FormatError) -> RawSpan {
        let range = try dataRange(at: slot)
        return try bytes.slice(at: range.offset, count: range.size)
    }

    /// The slot of `key`, or the one where it would have to be inserted.
    ///
    /// - Complexity: O(log *n*) key comparisons.
    @inlinable
    public func search(_ key: Key) throws(FormatError) -> (slot: Int, found: Bool) {
        var low = 0
        var high = try count
        while low < high {
            let middle = (low &+ high) / 2
            let candidate = try self.key(at: middle)
            if candidate < key {
                low = middle &+ 1
            } else if candidate == key {
                return (middle, true)
            } else {
                high = middle
            }
        }
        return (low, false)
    }
}
