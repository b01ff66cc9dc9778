public import BtrfsFormat

/// All that is new on a volume, in memory, until `commit` writes it.
///
/// Nothing on the devices changes before the commit; dropping the transaction is the abort. The commit writes new
/// blocks to places that are free in the committed trees and then the superblocks, so a volume that was cut off
/// at any write is the old one or the new one.
public final class Transaction: BlockSource {
    /// The volume that the transaction changes.
    public let volume: Volume
    /// The generation that the commit gives the volume: one more than its present one. Also called transid.
    public let generation: Generation
    /// What was odd but could be lived with; for reports.
    public private(set) var warnings: [String] = []

    private(set) var trees: [ObjectID: Tree] = [:]
    private var rootKeys: [ObjectID: Key] = [:]
    private(set) lazy var extents = ExtentUpdates(self)
    private(set) lazy var allocator = MetadataAllocator(self, .metadata)
    private(set) lazy var systemAllocator = MetadataAllocator(self, .system)
    private(set) lazy var dataAllocator = DataAllocator(self)
    /// What was excluded where only file data can lie.
    private var excludedData = NotedRanges()
    let blockGroups: BlockGroups
    var quotas: QuotaUpdates
    /// What the commit adds to the features of the volume.
    public var addedFeatures: CompatROFeatures = []
    private var newBlocks: [UInt64: TreeBlock] = [:]
    let chunkTreeUUID: UUID
    /// The chunks that this transaction made.
    var newChunks: [MappedChunk] = []
    /// How many of them stand in the trees.
    var storedChunkCount = 0
    private let metadataUUID: UUID
    private var checksums: ChecksumTree?
    private var committedExtents: Tree?
    private var extentTreeInUse: Tree?
    private var committedFreeSpace: Tree??
    /// See `reserveMetadata`.
    var knownSizes: TreeSizes?
    /// What the commit makes of the free space.
    var freeSpaceChanges = FreeSpaceChanges()
    var isCommitted = false

    /// Begins a transaction.
    ///
    /// - Throws: `VolumeError.unsupported` when the volume has features that cannot be written.
    public init(on volume: Volume) throws(VolumeError) {
        if let refusal = volume.refusalToWrite() { throw .unsupported(refusal) }
        self.volume = volume
        generation = volume.superblock.generation + 1
        blockGroups = BlockGroups(volume.chunks)
        metadataUUID = volume.metadataUUID
        let root = try volume.rootTree().root
        do { chunkTreeUUID = try BlockHeader(root.bytes).chunkTreeUUID } catch {
            throw .format(error.at(block: root.address))
        }
        quotas = QuotaUpdates(generation: generation)
        try quotas.load(from: self)
    }

    deinit { if !isCommitted { volume.removeChunks(newChunks) } }

    func warn(_ text: String) {
        if !warnings.contains(text) { warnings.append(text) }
    }

    // MARK: Trees

    /// The tree with this number, for reading and changing; nil when there is no such tree.
    ///
    /// Changes show at once in what is read from it; the volume's own tree stays the committed one.
    public func tree(_ id: ObjectID) throws(VolumeError) -> Tree? {
        if let tree = trees[id] { return tree }
        let tree: Tree
        if id == .rootTree || id == .chunkTree {
            let committed = id == .rootTree ? try volume.rootTree() : try volume.chunkTree()
            tree = Tree(
                id: id, volume: volume, source: self, root: committed.root, owners: committed.owners,
                cachedLeafCount: committed.cachedLeafCount)
        } else {
            guard let (key, item) = try Volume.rootItem(of: id, in: try rootTree()) else { return nil }
            tree = try volume.openTree(id, item, transaction: self)
            rootKeys[id] = key
        }
        trees[id] = tree
        return tree
    }

    func rootTree() throws(VolumeError) -> Tree { try required(.rootTree) }
    func extentTree() throws(VolumeError) -> Tree {
        if let extentTreeInUse { return extentTreeInUse }
        let tree = try required(.extentTree)
        extentTreeInUse = tree
        return tree
    }

    private func required(_ id: ObjectID) throws(VolumeError) -> Tree {
        guard let tree = try tree(id) else {
            throw .damaged("the volume has no tree \(id); run btrfs check")
        }
        return tree
    }

    var changedTrees: [Tree] { trees.values.filter { $0.root.isNew } }
    func rootKey(of id: ObjectID) -> Key? { rootKeys[id] }

    /// Makes a tree known whose root item stands under `key`.
    func adopt(_ tree: Tree, rootKey key: Key) {
        trees[tree.id] = tree
        rootKeys[tree.id] = key
    }

    /// Forgets a tree that is no more.
    func forget(_ id: ObjectID) {
        trees[id] = nil
        rootKeys[id] = nil
    }

    /// The tree that holds the block group items.
    func blockGroupTree() throws(VolumeError) -> Tree {
        try required(volume.superblock.compatRO.contains(.blockGroupTree) ? .blockGroupTree : .extentTree)
    }

    /// The free space tree; nil where the volume does not use one.
    func freeSpaceTree() throws(VolumeError) -> Tree? {
        guard volume.superblock.compatRO.contains(.freeSpaceTree),
            volume.superblock.compatRO.contains(.freeSpaceTreeValid)
        else { return nil }
        return try required(.freeSpaceTree)
    }

    func checksumTree() throws(VolumeError) -> ChecksumTree? {
        if let checksums { return checksums }
        guard let tree = try tree(.checksumTree) else { return nil }
        let new = ChecksumTree(tree: tree, sectorSize: UInt64(volume.sectorSize), size: volume.checksumType.size)
        checksums = new
        return new
    }

    func committedExtentTree() throws(VolumeError) -> Tree {
        if let committedExtents { return committedExtents }
        guard let tree = try volume.tree(.extentTree) else {
            throw .damaged("the volume has no extent tree; run btrfs check")
        }
        committedExtents = tree
        return tree
    }

    func committedFreeSpaceTree() throws(VolumeError) -> Tree? {
        if let committedFreeSpace { return committedFreeSpace }
        let tree = try freeSpaceTree() == nil ? nil : try volume.tree(.freeSpaceTree)
        committedFreeSpace = .some(tree)
        return tree
    }

    // MARK: Space

    /// Keeps the block of a log from being allocated.
    public func pin(block: LogicalAddress) throws(VolumeError) {
        try exclude(block, count: UInt64(volume.nodeSize))
    }

    /// Keeps a range of addresses from being allocated.
    ///
    /// - Throws: `VolumeError.refused` when a new block lies there already.
    public func exclude(_ start: LogicalAddress, count: UInt64) throws(VolumeError) {
        let (end, overflow) = start.rawValue.addingReportingOverflow(count)
        guard !overflow else { throw .refused("\(count) bytes at \(start) end beyond the address space") }
        let range = start.rawValue..<end
        let chunk = volume.chunks.chunk(at: start)
        if let chunk, chunk.chunk.type.isDisjoint(with: [.metadata, .system]), end <= chunk.end {
            excludedData.note(range)
            return
        }
        try allocator.exclude(range)
        if let chunk, chunk.chunk.type.contains(.system) { try systemAllocator.exclude(range) }
    }

    /// The first excluded range that has an address in common with `range`.
    func firstExcluded(_ range: Range<UInt64>) -> Range<UInt64>? {
        let found = [excludedData.firstOverlap(range), allocator.excluded.firstOverlap(range)]
        return found.compactMap { $0 }.min { $0.lowerBound < $1.lowerBound }
    }

    /// Takes room for file data: whole sectors in one block group, at most `count` bytes and at least one sector. A new
    /// data chunk is made when the present ones are full. The range is not given out again in this transaction; it is
    /// in use once `allocateDataExtent` recorded it.
    ///
    /// The corresponding kernel function is `btrfs_reserve_extent`.
    ///
    /// - Parameter count: a multiple of the sector size, not 0.
    /// - Throws: `VolumeError.noSpace` when no sector is free.
    public func allocateData(upTo count: UInt64) throws(VolumeError) -> Range<UInt64> {
        try dataAllocator.allocate(upTo: count)
    }

    /// Gives back a range of `allocateData` that is not used after all.
    public func giveBackData(_ range: Range<UInt64>) { dataAllocator.giveBack(range) }

    func blockGroupStart(of range: Range<UInt64>) throws(VolumeError) -> UInt64? {
        if let start = blockGroups.lastStart(of: range) { return start }
        return try blockGroups.start(of: range, in: try blockGroupTree())
    }

    /// The addresses in a chunk whose copies lie where a superblock is kept.
    func superblockRanges(in chunk: MappedChunk) -> [Range<UInt64>] {
        var result: [Range<UInt64>] = []
        for (id, _) in volume.devices.sorted {
            for offset in Superblock.offsets {
                result += ChunkMap.logicalRanges(
                    ofDevice: id, offset: offset, count: ChunkMap.stripeLength, in: chunk)
            }
        }
        return result
    }

    // MARK: Blocks

    private func makeHeader(of tree: Tree, level: Int) throws(VolumeError) -> BlockHeader {
        let header = try makeHeader(owner: tree.id, level: level)
        tree.usedDelta += Int64(volume.nodeSize)
        return header
    }

    func makeHeader(owner: ObjectID, level: Int) throws(VolumeError) -> BlockHeader {
        let address = try (owner == .chunkTree ? systemAllocator : allocator).allocate()
        return makeHeader(at: address, owner: owner, level: level)
    }

    func makeHeader(at address: LogicalAddress, owner: ObjectID, level: Int) -> BlockHeader {
        BlockHeader(
            fsid: metadataUUID, address: address, chunkTreeUUID: chunkTreeUUID, generation: generation, owner: owner,
            level: UInt8(level))
    }

    /// A block that becomes the root of a new tree: empty, or with what is in `source`, whose children get one more
    /// reference each.
    func makeRoot(of id: ObjectID, copying source: TreeBlock? = nil) throws(VolumeError) -> TreeBlock {
        let header = try makeHeader(owner: id, level: source?.level ?? 0)
        let block: TreeBlock
        if let source {
            block = source.copied(to: header.address, header: header, pool: volume.pool)
            try queueChildren(of: block, by: .tree(id), delta: 1)
        } else {
            block = TreeBlock(
                new: header.address, level: 0, buffer: BlockBuffer(from: volume.pool), header: header)
        }
        newBlocks[header.address.rawValue] = block
        extents.queueBlock(header.address, level: block.level, .treeBlock(root: id), delta: 1, isNew: true)
        return block
    }

    func newBlock(of tree: Tree, level: Int) throws(VolumeError) -> TreeBlock {
        let header = try makeHeader(of: tree, level: level)
        let block = TreeBlock(
            new: header.address, level: level, buffer: BlockBuffer(from: volume.pool), header: header)
        newBlocks[header.address.rawValue] = block
        extents.queueBlock(header.address, level: level, .treeBlock(root: tree.id), delta: 1, isNew: true)
        return block
    }

    /// Copies a block to a new place, where it may be changed.
    ///
    /// - Parameter mayBeShared: whether a snapshot may use the old block too. The references of what is below the
    ///   block are then put right. The corresponding kernel function is `update_ref_for_cow`.
    func copyOnWrite(_ block: TreeBlock, of tree: Tree, mayBeShared: Bool) throws(VolumeError) -> TreeBlock {
        let header = try makeHeader(of: tree, level: block.level)
        let copy = block.copied(to: header.address, header: header, pool: volume.pool)
        newBlocks[header.address.rawValue] = copy
        extents.queueBlock(header.address, level: block.level, .treeBlock(root: tree.id), delta: 1, isNew: true)
        var isLast = true
        if mayBeShared { isLast = try settleSharedChildren(of: block, copy: copy, tree: tree) }
        extents.queueBlock(block.address, level: block.level, .treeBlock(root: tree.id), delta: -1)
        if isLast { tree.usedDelta -= Int64(volume.nodeSize) }
        return copy
    }

    /// - Returns: whether the old block loses its last reference.
    private func settleSharedChildren(
        of block: TreeBlock, copy: TreeBlock, tree: Tree
    ) throws(VolumeError) -> Bool {
        let (refs, flags) = try extents.state(of: block.address, level: block.level)
        let owner: ObjectID
        do { owner = try BlockHeader(block.bytes).owner } catch { throw .format(error.at(block: block.address)) }
        let isFull = flags.contains(.fullBackref)
        let byTree = ChildReference.tree(tree.id)
        let byBlock = ChildReference.block(block.address)
        if refs > 1 {
            if owner == tree.id, !isFull {
                // The references by the tree's number are the copy's from now on.
                try queueChildren(of: block, by: byBlock, delta: 1)
                extents.queueFlags(.fullBackref, for: block.address, level: block.level)
            } else {
                try queueChildren(of: copy, by: byTree, delta: 1)
            }
            return false
        }
        if isFull {
            try queueChildren(of: copy, by: byTree, delta: 1)
            try queueChildren(of: block, by: byBlock, delta: -1)
        }
        return true
    }

    enum ChildReference {
        case tree(ObjectID)
        case block(LogicalAddress)
    }

    /// Queues a change for every data extent and, unless `nodes` is false, every block that `block` points to.
    func queueChildren(
        of block: TreeBlock, by reference: ChildReference, delta: Int32, nodes: Bool = true
    ) throws(VolumeError) {
        for slot in 0..<block.count {
            if block.level > 0 {
                guard nodes else { return }
                let child = block.childAddress(at: slot)
                switch reference {
                case .tree(let root):
                    extents.queueBlock(child, level: block.level - 1, .treeBlock(root: root), delta: delta)
                case .block(let parent):
                    extents.queueBlock(child, level: block.level - 1, .sharedBlock(parent: parent), delta: delta)
                }
                continue
            }
            let key = block.key(at: slot)
            guard key.type == .extentData else { continue }
            let extent: FileExtent
            do { extent = try FileExtent(block.data(at: slot)) } catch {
                throw .format(error.at(block: block.address, slot: slot, key: key))
            }
            guard extent.kind != .inline, !extent.isHole else { continue }
            switch reference {
            case .tree(let root):
                let data = DataReference(
                    root: root, inode: key.objectID, offset: key.offset &- extent.offset)
                extents.queueData(
                    extent.diskAddress, size: extent.diskByteCount, data.inlineRef, delta: delta)
            case .block(let parent):
                extents.queueData(
                    extent.diskAddress, size: extent.diskByteCount, .sharedData(parent: parent, count: 1),
                    delta: delta)
            }
        }
    }

    /// Gives up a block of a tree that the tree no longer uses.
    func free(_ block: TreeBlock, of tree: Tree) {
        newBlocks[block.address.rawValue] = nil
        extents.queueBlock(block.address, level: block.level, .treeBlock(root: tree.id), delta: -1)
        tree.usedDelta -= Int64(volume.nodeSize)
    }

    func firstKey(ofNewBlock address: UInt64) -> Key {
        guard let block = newBlocks[address], block.count > 0 else { return .minimum }
        return block.key(at: 0)
    }

    var newBlockCount: Int { newBlocks.count }

    /// The volume is now as the transaction has it in memory.
    func handOn(_ superblock: Superblock) {
        for block in newBlocks.values { block.markWritten() }
        volume.adopt(superblock, trees.values, freeSpaceChanges)
    }

    /// All blocks that the commit has to write, by address.
    var blocksToWrite: [TreeBlock] { newBlocks.values.sorted { $0.address < $1.address } }
}
