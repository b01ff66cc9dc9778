internal import BtrfsFormat

/// The way from the root of a tree to the leaf of its last change: a block and a slot for each level.
///
/// Changes mostly come in the order of keys, so the next one often belongs into the same leaf; while the tree keeps
/// its shape the way need not be searched again.
final class TreePath {
    private let blocks = ReferenceTable<TreeBlock>(
        count: BlockHeader.maximumLevels, capacity: BlockHeader.maximumLevels)
    // Not an array: writing to one that is a stored property is checked for exclusive access each time.
    private let slots = BlockBuffer(count: BlockHeader.maximumLevels * MemoryLayout<UInt64>.size)
    // Keys from `low` up to `high`, which is not part of it, belong into the leaf. Nothing does while `isGood` is
    // false.
    private var isGood = false
    // Whether the nodes of the way have the room that a split of the leaf needs.
    private var hasRoom = false
    private var low = Key.minimum
    private var high: Key?

    /// The block at `level`, to which the way must lead.
    @inline(__always)
    func block(_ level: Int) -> TreeBlock {
        guard let block = blocks[level] else { preconditionFailure("no way to level \(level) is known") }
        return block
    }

    @inline(__always)
    func set(_ block: TreeBlock, at level: Int) { blocks[level] = block }

    @inline(__always)
    func slot(_ level: Int) -> Int { Int(truncatingIfNeeded: slots.load(UInt64.self, at: level &* 8)) }

    @inline(__always)
    func setSlot(_ slot: Int, at level: Int) { slots.store(UInt64(truncatingIfNeeded: slot), at: level &* 8) }

    /// The leaf of the way if `key` belongs into it and the tree has not changed its shape since.
    @inline(__always)
    func leaf(for key: Key) -> TreeBlock? {
        guard isGood, low <= key else { return nil }
        if let high, high <= key { return nil }
        return blocks[0]
    }

    /// The same for a change of the leaf.
    @inline(__always)
    func leafForChange(_ key: Key, inserting: Bool) -> TreeBlock? {
        guard hasRoom || !inserting, let leaf = leaf(for: key), leaf.isNew else { return nil }
        return leaf
    }

    /// The way now leads to a leaf for keys that are not below its first one, and below `high`.
    @inline(__always)
    func settle(below high: Key?, hasRoom: Bool) {
        self.hasRoom = hasRoom
        let leaf = block(0)
        isGood = leaf.count > 0
        if isGood { low = leaf.key(at: 0) }
        self.high = high
    }

    /// The shape of the tree, or what belongs into the leaf, changes: the way has to be searched again.
    @inline(__always)
    func invalidate() { isGood = false }
}
