internal import BtrfsFormat

/// The ways from the root of a tree to the leaves of its last changes: each a block and a slot for every level.
///
/// Changes mostly go on where others were just made: names by ascending index, say, each beside the reference of its
/// inode. While the tree keeps its shape such a leaf need not be searched again. One way is the present one; a
/// change begins by making the right one the present one.
final class TreePath {
    private enum State {
        case bad
        /// Keys can be found and items changed.
        case good
        /// The nodes of the way also have the room that a split of the leaf needs.
        case hasRoom
    }

    private static var levels: Int { BlockHeader.maximumLevels }
    private let blocks = ReferenceTable<TreeBlock>(
        count: 4 * BlockHeader.maximumLevels, capacity: 4 * BlockHeader.maximumLevels)
    // Not an array: writing to one that is a stored property is checked for exclusive access each time.
    private let slots = BlockBuffer(count: 4 * BlockHeader.maximumLevels * MemoryLayout<UInt64>.size)
    private var states: [4 of State] = .init(repeating: .bad)
    // Keys from `low` up to `high`, which is not part of it, belong into the leaf of a way.
    private var lows: [4 of Key] = .init(repeating: .minimum)
    private var highs: [4 of Key] = .init(repeating: .minimum)
    private var present = 0
    // When a change took each way last.
    private var uses: [4 of Int] = .init(repeating: 0)
    private var useCount = 0
    /// Another number whenever blocks were copied to new places or keys moved from one leaf to another.
    private(set) var shape = 0

    // MARK: The present way

    /// The block at `level`, to which the way must lead.
    @inline(__always)
    func block(_ level: Int) -> TreeBlock { block(level, ofWay: present) }

    @inline(__always)
    func set(_ block: TreeBlock, at level: Int) { blocks[present &* Self.levels &+ level] = block }

    @inline(__always)
    func slot(_ level: Int) -> Int { slot(level, ofWay: present) }

    @inline(__always)
    func setSlot(_ slot: Int, at level: Int) {
        slots.store(UInt64(truncatingIfNeeded: slot), at: (present &* Self.levels &+ level) &* 8)
    }

    /// Begins a new way, in place of the one that no change took for the longest time.
    @inline(__always)
    func begin() {
        var oldest = 0
        for way in 1..<4 where uses[way] < uses[oldest] { oldest = way }
        states[oldest] = .bad
        take(oldest)
    }

    @inline(__always)
    private func take(_ way: Int) {
        present = way
        useCount &+= 1
        uses[way] = useCount
    }

    /// The present way now leads to a leaf for keys that are not below its first one, and below `high`.
    @inline(__always)
    func settle(below high: Key?, hasRoom: Bool) {
        let leaf = block(0)
        guard leaf.count > 0 else { return }
        states[present] = hasRoom ? .hasRoom : .good
        lows[present] = leaf.key(at: 0)
        highs[present] = high ?? .maximum
    }

    /// Makes the way to the leaf where `key` belongs the present one; nil when none is known that will do.
    @inline(__always)
    func leafForChange(_ key: Key, inserting: Bool) -> (leaf: TreeBlock, slot: Int, found: Bool)? {
        guard let way = way(to: key), states[way] == .hasRoom || !inserting else { return nil }
        let leaf = block(0, ofWay: way)
        guard leaf.isNew else { return nil }
        take(way)
        let (slot, found) = leaf.search(key, near: slot(0))
        setSlot(slot, at: 0)
        return (leaf, slot, found)
    }

    // MARK: All ways

    /// The shape of the tree changes: all ways have to be searched again.
    func invalidate() {
        states = .init(repeating: .bad)
        shape &+= 1
    }

    /// A block was copied to another place, which in logs happens more than once in a transaction, or gave or took
    /// keys: ways through it are not right any more.
    func forget(_ block: TreeBlock) {
        shape &+= 1
        for way in 0..<4 where blocks[way &* Self.levels &+ block.level] === block { states[way] = .bad }
    }

    /// A way to the leaf where `key` belongs; nil when none is known.
    @inline(__always)
    func way(to key: Key) -> Int? {
        for way in 0..<4 where states[way] != .bad && lows[way] <= key && key < highs[way] { return way }
        return nil
    }

    /// Looks for `key` in the leaf of a way. Where it is or belongs is remembered: the next key is often there too.
    @inline(__always)
    func search(_ key: Key, onWay way: Int) -> (leaf: TreeBlock, slot: Int, found: Bool) {
        let leaf = block(0, ofWay: way)
        let (slot, found) = leaf.search(key, near: slot(0, ofWay: way))
        slots.store(UInt64(truncatingIfNeeded: slot), at: way &* Self.levels &* 8)
        return (leaf, slot, found)
    }

    @inline(__always)
    func block(_ level: Int, ofWay way: Int) -> TreeBlock {
        guard let block = blocks[way &* Self.levels &+ level] else {
            preconditionFailure("no way to level \(level) is known")
        }
        return block
    }

    @inline(__always)
    func slot(_ level: Int, ofWay way: Int) -> Int {
        Int(truncatingIfNeeded: slots.load(UInt64.self, at: (way &* Self.levels &+ level) &* 8))
    }
}
