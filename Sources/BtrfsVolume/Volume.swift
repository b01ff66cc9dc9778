public import BlockDevices
public import BtrfsFormat

/// A btrfs file system on one or more devices, as of its last commit.
///
/// Opening reads the superblocks and the chunk tree; everything else is read when it is asked for. A volume is
/// used by one thread at a time.
public final class Volume {
    /// The superblock of the last commit.
    public internal(set) var superblock: Superblock
    /// Chunks, to find the place of an address on the devices.
    public internal(set) var chunks: ChunkMap
    var devices: VolumeDevices
    /// What was odd but could be lived with, such as a damaged superblock copy; for reports.
    public internal(set) var warnings: [String] = []
    /// The trees of the last commit, as far as they are in memory.
    private var committedRoots: [ObjectID: CommittedRoot] = [:]
    /// What is free in the chunks that were looked at.
    package internal(set) var committedFreeSpace = CommittedFreeSpace()
    /// The size of a tree block in bytes.
    public let nodeSize: Int
    /// The smallest unit of file data in bytes.
    public let sectorSize: Int
    /// How blocks and data are checked.
    public let checksumType: ChecksumType
    let pool: BlockPool

    /// Opens the volume on `devices`, in any order.
    ///
    /// - Throws: `VolumeError.unsupported` for features that cannot even be read, `.damaged`, `.format` or
    ///   `.device` where superblocks or chunk tree cannot be read.
    public init(opening devices: [any BlockDevice]) throws(VolumeError) {
        let (table, superblock) = try VolumeDevices.scan(devices)
        self.devices = table
        self.superblock = superblock
        warnings = table.warnings
        nodeSize = Int(superblock.nodeSize)
        sectorSize = Int(superblock.sectorSize)
        checksumType = superblock.checksumType
        pool = BlockPool(blockSize: nodeSize)
        if let refusal = superblock.incompat.refusal(for: .reading) { throw .unsupported(refusal) }
        guard superblock.generation < Generation(Int64.max) else {
            throw .damaged("the superblock has generation \(superblock.generation), which no volume can reach")
        }
        chunks = ChunkMap()
        let systemChunks: [(Key, Chunk)]
        do { systemChunks = try superblock.systemChunks() } catch { throw .format(error) }
        for (key, chunk) in systemChunks { try chunks.insert(chunk, at: LogicalAddress(key.offset)) }
        try readChunkTree()
    }

    private func readChunkTree() throws(VolumeError) {
        let cursor = try chunkTree().makeCursor()
        try cursor.seek(.minimum)
        // A new map, so that a wrong entry of the superblock's copy is not kept.
        var map = ChunkMap()
        var items: [DeviceItem] = []
        while cursor.isValid {
            var chunk: Chunk?
            do throws(FormatError) {
                if cursor.key.type == .chunkItem { chunk = try Chunk(cursor.data) }
                if cursor.key.type == .deviceItem { items.append(try DeviceItem(cursor.data)) }
            } catch { throw .format(error.at(block: cursor.block, slot: cursor.slot, key: cursor.key)) }
            if let chunk { try map.insert(chunk, at: LogicalAddress(cursor.key.offset)) }
            if try !cursor.next() { break }
        }
        chunks = map
        try devices.checkSeeds(items)
    }

    /// The UUID that the headers of all new tree blocks carry.
    var metadataUUID: UUID { superblock.metadataUUID }

    /// Whether the header of a block of this volume can carry a UUID: its own, or that of a seed.
    func isOwn(_ uuid: UUID) -> Bool { uuid == metadataUUID || devices.hasSeed(uuid) }

    // MARK: Trees

    /// The tree that holds devices and chunks. The superblock leads to it, so it has no root item.
    public func chunkTree() throws(VolumeError) -> Tree {
        let root = try committedRoot(
            of: .chunkTree, at: superblock.chunkRoot, level: superblock.chunkRootLevel,
            generation: superblock.chunkRootGeneration)
        return Tree(
            id: .chunkTree, volume: self, root: root.block, owners: .tree(.chunkTree), cachedLeafCount: root.leafCount)
    }

    /// The tree of trees.
    public func rootTree() throws(VolumeError) -> Tree {
        let root = try committedRoot(
            of: .rootTree, at: superblock.root, level: superblock.rootLevel, generation: superblock.generation)
        committedRoots[.rootTree] = root
        return Tree(
            id: .rootTree, volume: self, root: root.block, owners: .tree(.rootTree), cachedLeafCount: root.leafCount)
    }

    /// The root of a committed tree: the one in memory, else the block that is read.
    private func committedRoot(
        of id: ObjectID, at address: LogicalAddress, level: UInt8, generation: Generation
    ) throws(VolumeError) -> CommittedRoot {
        if let known = committedRoots[id], known.block.address == address, known.block.level == Int(level),
            known.block.generation == generation
        {
            return known
        }
        let block = try readBlock(
            BlockExpectation(
                address: address, level: Int(level), generation: generation, firstKey: nil,
                owners: BlockOwners(tree: id), tree: id))
        return CommittedRoot(block: block)
    }

    /// Makes a chunk known that a transaction has made.
    func addChunk(_ new: MappedChunk) throws(VolumeError) { try chunks.insert(new.chunk, at: new.start) }

    /// Forgets chunks of a transaction that was not committed.
    func removeChunks(_ new: [MappedChunk]) { for mapped in new { chunks.remove(at: mapped.start) } }

    /// A transaction was committed: what it has in memory is what the next one finds on the devices.
    ///
    /// - Parameter trees: its trees.
    func adopt(_ superblock: Superblock, _ trees: some Sequence<Tree>, _ changes: FreeSpaceChanges) {
        self.superblock = superblock
        committedRoots = [:]
        for tree in trees { committedRoots[tree.id] = tree.handOn() }
        committedFreeSpace.apply(changes)
    }

    /// The root item of a tree and its key: of several items, as snapshots have them, the one with the highest
    /// offset. Nil when there is none.
    ///
    /// The corresponding kernel function is `btrfs_find_root`.
    public func rootItem(of id: ObjectID) throws(VolumeError) -> (key: Key, item: RootItem)? {
        try Self.rootItem(of: id, in: try rootTree())
    }

    static func rootItem(of id: ObjectID, in tree: Tree) throws(VolumeError) -> (key: Key, item: RootItem)? {
        let cursor = tree.makeCursor()
        guard try cursor.seekLast(through: Key(id, .rootItem, .max)), cursor.key.objectID == id,
            cursor.key.type == .rootItem
        else { return nil }
        do { return (cursor.key, try RootItem(cursor.data)) } catch {
            throw .format(error.at(block: cursor.block, slot: cursor.slot, key: cursor.key))
        }
    }

    /// The committed tree with this number, for reading; nil when there is no such tree.
    public func tree(_ id: ObjectID) throws(VolumeError) -> Tree? {
        if id == .rootTree { return try rootTree() }
        guard let (_, item) = try rootItem(of: id) else { return nil }
        return try openTree(id, item, transaction: nil)
    }

    func openTree(_ id: ObjectID, _ item: RootItem, transaction: Transaction?) throws(VolumeError) -> Tree {
        let root = try committedRoot(of: id, at: item.address, level: item.level, generation: item.generation)
        return Tree(
            id: id, volume: self, source: transaction, root: root.block, owners: BlockOwners(tree: id),
            lastSnapshot: item.lastSnapshot, cachedLeafCount: root.leafCount)
    }

    /// The numbers of all subvolumes and snapshots that are not deleted, ascending.
    public func subvolumes() throws(VolumeError) -> [ObjectID] {
        let cursor = try rootTree().makeCursor()
        var result: [ObjectID] = []
        try cursor.seek(Key(.fileTree, .rootItem, 0))
        while cursor.isValid {
            let key = cursor.key
            if key.type == .rootItem, key.objectID.isSubvolume {
                let item: RootItem
                do { item = try RootItem(cursor.data) } catch {
                    throw .format(error.at(block: cursor.block, slot: cursor.slot, key: key))
                }
                if item.refs > 0, result.last != key.objectID { result.append(key.objectID) }
            }
            if key.objectID > .lastFree { break }
            if try !cursor.next() { break }
        }
        return result
    }

    // MARK: Logs

    /// The tree of log trees: items `(TREE_LOG ROOT_ITEM subvolume)`; nil when the volume has no log.
    ///
    /// - Throws: `VolumeError` when the block that `log_root` names is no root of a log.
    public func logRootTree() throws(VolumeError) -> Tree? {
        guard superblock.logRoot.rawValue != 0 else { return nil }
        return try openLogTree(
            superblock.logRoot, level: Int(superblock.logRootLevel),
            generation: superblock.generation + 1)
    }

    /// The log tree of a subvolume.
    ///
    /// - Parameters:
    ///   - item: the item of the log root tree.
    ///   - keepsDamagedItems: whether leaves are read in which the structure is right but items of files are not.
    public func logTree(
        _ item: RootItem, for subvolume: ObjectID, keepsDamagedItems: Bool = false
    ) throws(VolumeError) -> Tree {
        try openLogTree(
            item.address, level: Int(item.level), generation: item.generation, keepsDamagedItems: keepsDamagedItems)
    }

    private func openLogTree(
        _ address: LogicalAddress, level: Int, generation: Generation, keepsDamagedItems: Bool = false
    ) throws(VolumeError) -> Tree {
        let root = try readBlock(
            BlockExpectation(
                address: address, level: level, generation: generation, firstKey: nil, owners: .any,
                tree: .treeLog, keepsDamagedItems: keepsDamagedItems))
        let header: BlockHeader
        do { header = try BlockHeader(root.bytes) } catch { throw .format(error.at(block: address)) }
        guard header.owner == .treeLog else {
            throw .damaged(
                "the block is a root of tree \(header.owner), not of a log; the superblock or a root item "
                    + "names the wrong block", block: address)
        }
        guard generation == superblock.generation + 1 else {
            throw .damaged(
                "a log of generation \(generation) does not belong to a volume of generation "
                    + "\(superblock.generation)", block: address)
        }
        // A log is walked once per stage: it stays in memory up to this size.
        return Tree(
            id: .treeLog, volume: self, root: root, owners: .any, cachedByteLimit: 256 << 20,
            keepsDamagedItems: keepsDamagedItems)
    }
}
