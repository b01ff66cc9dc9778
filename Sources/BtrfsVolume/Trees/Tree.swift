public import BtrfsFormat

/// One search tree of the volume: keys and the bytes stored under them.
///
/// A tree from `Volume` is the committed one and only reads. A tree from a `Transaction` also takes changes:
/// a block is copied to a new place before its first change, so the committed tree stays whole.
///
/// Spans that `find` and cursors return show the tree's own memory; they are valid until the tree changes.
/// `find` keeps its result alive over at least 64 further leaves that are read; a cursor as long as it stands.
public final class Tree {
    /// The number of the tree.
    public let id: ObjectID
    let volume: Volume
    /// Where new blocks come from; nil for a tree that is only read.
    unowned let source: (any BlockSource)?
    package internal(set) var root: TreeBlock {
        @inline(__always) get { rootBlock }
        set { rootBlock = newValue }
    }
    // Stored properties that only this module sees need no exclusivity checks at run time.
    private var rootBlock: TreeBlock
    /// Who may own the blocks of this tree; nil where the kernel does not look (below the root of a log).
    let owners: BlockOwners
    /// Blocks with a generation up to this one may be shared with a snapshot.
    package internal(set) var lastSnapshot: Generation
    /// Whether leaves are read although items of files in them break a rule: `TreeBlock.damagedItems` tells which.
    let keepsDamagedItems: Bool
    /// What this transaction added to the size of the tree in bytes.
    var usedDelta: Int64 = 0

    /// The ways to the leaves of the last changes.
    let path = TreePath()
    /// How many clean leaves are held in memory, to bound them.
    var cachedLeafCount = 0
    let cachedLeafLimit: Int
    /// The leaves let go last: spans into them may still be in use.
    private var retiredLeaves: [TreeBlock] = []
    private var reading: LeafReading?

    init(
        id: ObjectID, volume: Volume, source: (any BlockSource)? = nil, root: TreeBlock, owners: BlockOwners,
        lastSnapshot: Generation = 0, cachedByteLimit: Int = 12 << 20, cachedLeafCount: Int = 0,
        keepsDamagedItems: Bool = false
    ) {
        self.id = id
        self.volume = volume
        self.source = source
        rootBlock = root
        self.owners = owners
        self.lastSnapshot = lastSnapshot
        self.keepsDamagedItems = keepsDamagedItems
        self.cachedLeafCount = cachedLeafCount
        cachedLeafLimit = max(cachedByteLimit / volume.nodeSize, 64)
    }

    deinit { reading?.finish() }

    /// The size of a block in bytes.
    public var nodeSize: Int { volume.nodeSize }
    /// The level of the root block; 0 for a tree that is a single leaf.
    public var level: Int { root.level }
    /// The address of the root block.
    public var rootAddress: LogicalAddress { root.address }

    /// The data of the item under `key`; nil when there is none.
    ///
    /// - Complexity: O(log *n*); no allocation unless blocks have to be read.
    @_lifetime(borrow self)
    public func find(_ key: Key) throws(VolumeError) -> RawSpan? {
        let (leaf, slot, found) = try leaf(for: key)
        guard found else { return nil }
        // The leaf stays in memory: the tree holds it until the tree changes.
        return held(leaf.data(at: slot), by: self)
    }

    /// Whether there is an item under `key`.
    ///
    /// - Complexity: O(log *n*); no allocation unless blocks have to be read.
    public func contains(_ key: Key) throws(VolumeError) -> Bool {
        try leaf(for: key).found
    }

    /// A new cursor, standing nowhere.
    public func makeCursor() -> TreeCursor { TreeCursor(self) }

    @inline(__always)
    func leaf(for key: Key) throws(VolumeError) -> (leaf: TreeBlock, slot: Int, found: Bool) {
        if let way = path.way(to: key) { return path.search(key, onWay: way) }
        var block = root
        while block.level > 0 {
            block = try child(at: block.childSlot(key), of: block)
        }
        let (slot, found) = block.search(key)
        return (block, slot, found)
    }

    /// The block below `node` at `slot`, read and verified on its first use.
    @inline(__always)
    package func child(at slot: Int, of node: TreeBlock) throws(VolumeError) -> TreeBlock {
        if let child = node.children[slot] { return child }
        return try loadChild(at: slot, of: node)
    }

    private func expectation(ofChild slot: Int, of node: TreeBlock) -> BlockExpectation {
        BlockExpectation(
            address: node.childAddress(at: slot), level: node.level - 1,
            generation: node.childGeneration(at: slot), firstKey: node.key(at: slot),
            limit: node.limit(ofChild: slot), owners: owners, tree: id, keepsDamagedItems: keepsDamagedItems)
    }

    /// Has another thread read the leaves below `node` that are not there yet, while the first ones are in use. A leaf
    /// that cannot be read is left for whoever comes to it.
    package func readLeavesAhead(below node: TreeBlock) {
        guard node.level == 1, node.count >= 16, volume.servesManyThreads,
            cachedLeafCount + node.count <= cachedLeafLimit
        else { return }
        let missing = (0..<node.count).filter { node.children[$0] == nil }
        guard !missing.isEmpty else { return }
        reading?.finish()
        let expected = missing.map { ($0, expectation(ofChild: $0, of: node)) }
        reading = LeafReading(below: node, volume: volume, expected)
    }

    @inline(never)
    private func loadChild(at slot: Int, of node: TreeBlock) throws(VolumeError) -> TreeBlock {
        let child: TreeBlock
        if let ready = reading?.take(at: slot, of: node) {
            child = ready
        } else {
            child = try volume.readBlock(expectation(ofChild: slot, of: node))
        }
        if child.level == 0 {
            cachedLeafCount += 1
            if cachedLeafCount > cachedLeafLimit { dropCleanLeaves() }
        }
        node.children[slot] = child
        return child
    }

    /// Lets go of a leaf that is not needed any more; spans into it end here.
    package func release(at slot: Int, of node: TreeBlock) {
        guard let leaf = node.children[slot], leaf.level == 0, !leaf.isNew else { return }
        node.children[slot] = nil
        cachedLeafCount -= 1
    }

    /// What is in memory of the tree, which is committed now, for whoever opens it next. Its blocks get limits like
    /// those that were read.
    ///
    /// - Complexity: O(*n*) for the children of all nodes in memory.
    func handOn() -> CommittedRoot {
        cachedLeafCount = 0
        var nodes: [TreeBlock] = root.level > 0 ? [root] : []
        while let node = nodes.popLast() {
            for slot in 0..<node.count {
                guard let child = node.children[slot] else { continue }
                child.limit = node.limit(ofChild: slot)
                if child.level > 0 { nodes.append(child) } else { cachedLeafCount += 1 }
            }
        }
        if cachedLeafCount > cachedLeafLimit { dropCleanLeaves() }
        return CommittedRoot(block: root, leafCount: cachedLeafCount)
    }

    /// Lets go of all leaves that were only read, but keeps them until it is called the next time: a span that
    /// `find` gave out lately stays good.
    private func dropCleanLeaves() {
        retiredLeaves.removeAll(keepingCapacity: true)
        var nodes: [TreeBlock] = root.level > 0 ? [root] : []
        while let node = nodes.popLast() {
            for slot in 0..<node.count {
                guard let child = node.children[slot] else { continue }
                if child.level > 0 {
                    nodes.append(child)
                } else if !child.isNew {
                    retiredLeaves.append(child)
                    node.children[slot] = nil
                }
            }
        }
        cachedLeafCount = 0
    }
}

/// The root block of a committed tree, with all below it that is in memory. Only blocks: a tree holds its volume, and
/// the two would keep each other alive.
struct CommittedRoot {
    let block: TreeBlock
    /// How many leaves are in memory.
    var leafCount = 0
}
