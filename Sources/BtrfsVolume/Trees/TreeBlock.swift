package import BtrfsFormat

/// One block of a tree in memory: read and verified, or new in a transaction.
///
/// Its structure is known to be right (verified when read, kept when changed), so access by slot does not throw.
/// A node holds the children it has loaded: a descent then costs no look-up by address.
package final class TreeBlock {
    package let buffer: BlockBuffer
    package let address: LogicalAddress
    package let level: Int
    /// The number of items or child pointers; the same as in the header.
    package var count: Int { @inline(__always) get { storedCount } }
    // Stored properties that only this module sees need no exclusivity checks at run time.
    private var storedCount: Int
    /// Whether the block was allocated by the running transaction and not written yet, so that it may be changed in
    /// place.
    var isNew: Bool { @inline(__always) get { storedIsNew } }
    private var storedIsNew: Bool
    /// Where an item was added last: additions often go on behind it.
    var lastInsertedSlot = -1
    /// Where the data starts, of a leaf whose data does not lie in the order of its items; see `putDataInOrder`.
    var looseDataStart: Int?
    /// Of a node: the children loaded so far, by slot.
    let children: ReferenceTable<TreeBlock>
    /// Items that break a rule, of a leaf in a tree that keeps such items; in all others there are none.
    package let damagedItems: [DamagedItem]
    /// All keys of a committed block lie before this one, as the nodes above it say; nil where nothing follows.
    var limit: Key?

    private static func makeChildren(level: Int, count: Int, nodeSize: Int) -> ReferenceTable<TreeBlock> {
        ReferenceTable(count: count, capacity: level > 0 ? NodeView.capacity(nodeSize: nodeSize) : count)
    }

    /// A verified block as it was read.
    init(read buffer: BlockBuffer, header: BlockHeader, limit: Key?, damagedItems: [DamagedItem]) {
        self.buffer = buffer
        self.limit = limit
        self.damagedItems = damagedItems
        address = header.address
        level = Int(header.level)
        storedCount = header.itemCount
        storedIsNew = false
        children = Self.makeChildren(level: level, count: level > 0 ? storedCount : 0, nodeSize: buffer.count)
    }

    /// A new empty block.
    init(new address: LogicalAddress, level: Int, buffer: BlockBuffer, header: BlockHeader) {
        self.buffer = buffer
        self.address = address
        self.level = level
        storedCount = 0
        storedIsNew = true
        limit = nil
        damagedItems = []
        children = Self.makeChildren(level: level, count: 0, nodeSize: buffer.count)
        buffer.change { (span: inout MutableRawSpan) in header.store(in: &span) }
    }

    package var bytes: RawSpan {
        @inline(__always) @_lifetime(borrow self) get { buffer.bytes(heldBy: self) }
    }

    package var generation: Generation { buffer.load(UInt64.self, at: BlockHeader.generationOffset) }

    var isRelocation: Bool { buffer.load(UInt64.self, at: BlockHeader.flagsOffset) & BlockHeader.relocationFlag != 0 }

    /// The block is on the devices: the next change copies it.
    func markWritten() { storedIsNew = false }

    @inline(__always)
    func setCount(_ new: Int) {
        storedCount = new
        buffer.store(UInt32(truncatingIfNeeded: new), at: BlockHeader.itemCountOffset)
    }

    // MARK: Keys

    @inline(__always)
    package func key(at slot: Int) -> Key {
        buffer.key(at: level == 0 ? LeafView.headerOffset(slot) : NodeView.pointerOffset(slot))
    }

    /// The first slot whose key is not below `key`, and whether it is that key.
    @inline(__always)
    func search(_ key: Key) -> (slot: Int, found: Bool) {
        let stride = level == 0 ? LeafView.itemHeaderByteCount : NodeView.pointerByteCount
        var low = 0
        var high = count
        while low < high {
            let middle = (low &+ high) / 2
            let at = BlockHeader.byteCount &+ middle &* stride
            let objectID = buffer.load(UInt64.self, at: at)
            var below = objectID < key.objectID.rawValue
            if objectID == key.objectID.rawValue {
                let candidate = buffer.key(at: at)
                if candidate == key { return (middle, true) }
                below = candidate < key
            }
            if below { low = middle &+ 1 } else { high = middle }
        }
        return (low, false)
    }

    /// The same, where `key` is often that in slot `guess` or the next one.
    @inline(__always)
    func search(_ key: Key, near guess: Int) -> (slot: Int, found: Bool) {
        guard guess >= 0, guess < count else { return search(key) }
        let there = self.key(at: guess)
        if there == key { return (guess, true) }
        guard there < key else { return search(key) }
        if guess &+ 1 == count { return (count, false) }
        let next = self.key(at: guess &+ 1)
        if next == key { return (guess &+ 1, true) }
        return key < next ? (guess &+ 1, false) : search(key)
    }

    /// Of a node: the slot of the child in whose range `key` lies.
    @inline(__always)
    func childSlot(_ key: Key) -> Int {
        let (slot, found) = search(key)
        return found ? slot : max(slot &- 1, 0)
    }

    /// The key before which all keys of the child in `slot` lie; nil where nothing follows.
    func limit(ofChild slot: Int) -> Key? { slot + 1 < count ? key(at: slot + 1) : limit }

    // MARK: Leaves

    @inline(__always)
    func dataOffset(at slot: Int) -> Int {
        BlockHeader.byteCount
            &+ Int(buffer.load(UInt32.self, at: LeafView.headerOffset(slot) &+ LeafView.dataOffsetOffset))
    }

    @inline(__always)
    package func dataSize(at slot: Int) -> Int {
        Int(buffer.load(UInt32.self, at: LeafView.headerOffset(slot) &+ LeafView.dataSizeOffset))
    }

    @inline(__always)
    @_lifetime(borrow self)
    package func data(at slot: Int) -> RawSpan {
        bytes.extracting(dataOffset(at: slot)..<dataOffset(at: slot) &+ dataSize(at: slot))
    }

    /// Where the data of the items starts: the end of the free space of a leaf.
    @inline(__always)
    var dataStart: Int { looseDataStart ?? (count == 0 ? buffer.count : dataOffset(at: count &- 1)) }

    /// The bytes between the item headers and the item data.
    @inline(__always)
    package var freeByteCount: Int { dataStart &- LeafView.headerOffset(count) }

    // MARK: Nodes

    @inline(__always)
    package func childAddress(at slot: Int) -> LogicalAddress {
        LogicalAddress(buffer.load(UInt64.self, at: NodeView.pointerOffset(slot) &+ NodeView.addressOffset))
    }

    @inline(__always)
    package func childGeneration(at slot: Int) -> Generation {
        buffer.load(UInt64.self, at: NodeView.pointerOffset(slot) &+ NodeView.generationOffset)
    }
}
