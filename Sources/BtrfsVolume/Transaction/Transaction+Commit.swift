internal import BlockDevices
internal import BtrfsFormat

// The commit. All trees are brought to a state in which they agree with each other, in memory; then the new
// blocks are written, then the superblocks. Up to the first superblock nothing that was there has changed.

extension Transaction {
    /// Makes everything durable: afterwards the volume has the new generation and no log.
    ///
    /// Superblock copies are written before the first ones: should a first one be torn, the copy behind it has the
    /// new state as a whole. The corresponding kernel function is `btrfs_commit_transaction`.
    ///
    /// - Throws: `VolumeError`; before the first write when the trees cannot be brought to agree or space is
    ///   short.
    public func commit() throws(VolumeError) {
        precondition(!isCommitted, "a transaction is committed once")
        try volume.checkWritable()
        try settle()
        let superblock = try makeSuperblock()
        isCommitted = true
        try writeBlocks()
        try volume.flush()
        countChunksOfDevices()
        try volume.writeSuperblocks(superblock)
        handOn(superblock)
    }

    /// Brings all trees to agree, in memory, without writing anything: what a commit does before its first write.
    ///
    /// - Throws: `VolumeError.noSpace` and all that `commit` can find wrong beforehand.
    public func settle() throws(VolumeError) {
        try touchRootTree()
        // Each round changes trees, which copies blocks, which changes trees; a block is copied only once, so
        // the rounds come to an end.
        var rounds = 0
        var isSettled = false
        while !isSettled {
            rounds += 1
            guard rounds < 64 else { throw .damaged("the trees do not come to agree; run btrfs check") }
            isSettled = try !storeChunks()
            if !extents.isEmpty {
                isSettled = false
                try extents.run()
                // What follows looks for the items of every block group.
                _ = try storeChunks()
            }
            if try storeFreeSpace() { isSettled = false }
            if try blockGroups.store(in: try blockGroupTree()) { isSettled = false }
            if try storeQuotas() { isSettled = false }
            if try storeRoots() { isSettled = false }
        }
    }

    /// Copies the root of the tree of trees even where nothing has changed: its generation has to be that of the
    /// superblock.
    private func touchRootTree() throws(VolumeError) {
        let tree = try rootTree()
        guard !tree.root.isNew else { return }
        let cursor = tree.makeCursor()
        try cursor.seek(.minimum)
        guard cursor.isValid else { throw .damaged("the tree of trees is empty; run btrfs check") }
        try tree.patch(cursor.key, at: 0, cursor.data.copied.rawSpan)
    }

    private func storeQuotas() throws(VolumeError) -> Bool {
        var updates = quotas
        let stored = try updates.store(in: self)
        quotas = updates
        return stored
    }

    private func storeFreeSpace() throws(VolumeError) -> Bool {
        if extents.allocated.isEmpty && extents.freed.isEmpty { return false }
        let (allocated, freed) = (extents.allocated, extents.freed)
        extents.allocated = RangeSet()
        extents.freed = RangeSet()
        let tree = try freeSpaceTree().map { FreeSpaceTree(tree: $0, sectorSize: UInt64(volume.sectorSize)) }
        for range in allocated.ranges {
            for (piece, group) in try pieces(of: range) {
                try tree?.remove(piece, from: group)
                freeSpaceChanges.note(piece, of: group, isFree: false)
            }
        }
        for range in freed.ranges {
            for (piece, group) in try pieces(of: range) {
                try tree?.add(piece, to: group)
                freeSpaceChanges.note(piece, of: group, isFree: true)
            }
        }
        return tree != nil
    }

    /// Cuts a range where block groups end: neighbouring extents may lie in two of them.
    private func pieces(of range: Range<UInt64>) throws(VolumeError) -> [(Range<UInt64>, group: Range<UInt64>)] {
        var result: [(Range<UInt64>, group: Range<UInt64>)] = []
        var address = range.lowerBound
        while address < range.upperBound {
            guard let start = try blockGroupStart(of: address..<address + 1), let group = blockGroups[start] else {
                throw .damaged("no block group holds address \(address)")
            }
            let end = min(range.upperBound, group.range.upperBound)
            result.append((address..<end, group.range))
            address = end
        }
        return result
    }

    /// Puts the new places of all changed trees into the tree of trees.
    private func storeRoots() throws(VolumeError) -> Bool {
        let rootTree = try rootTree()
        var stored = false
        for tree in changedTrees where tree.id != .rootTree && tree.id != .chunkTree {
            guard let key = rootKey(of: tree.id), let data = try rootTree.find(key) else {
                throw .damaged("tree \(tree.id) has lost its root item")
            }
            var item: RootItem
            do { item = try RootItem(data) } catch { throw .format(error.at(key: key)) }
            let (delta, address, level) = (tree.usedDelta, tree.root.address, UInt8(tree.root.level))
            if item.address == address, item.level == level, delta == 0 { continue }
            stored = true
            item.move(to: address, level: level, generation: generation)
            tree.usedDelta = 0
            item.bytesUsed = UInt64(max(Int64(clamping: item.bytesUsed) &+ delta, 0))
            try rootTree.put(key, item.encoded.rawSpan)
        }
        return stored
    }

    // MARK: Superblock

    private func makeSuperblock() throws(VolumeError) -> Superblock {
        var superblock = volume.superblock
        let old = superblock.generation
        let root = try rootTree().root
        let used = Int64(clamping: superblock.bytesUsed) &+ blockGroups.totalDelta
        guard used >= 0 else { throw .damaged("the superblock counts fewer used bytes than were freed") }
        superblock.generation = generation
        superblock.root = root.address
        superblock.rootLevel = UInt8(root.level)
        superblock.logRoot = LogicalAddress(0)
        superblock.logRootLevel = 0
        try putChunks(into: &superblock)
        superblock.bytesUsed = UInt64(used)
        superblock.compatRO.formUnion(addedFeatures)
        // The UUID tree has not changed; where it was up to date it still is.
        if superblock.uuidTreeGeneration == old { superblock.uuidTreeGeneration = generation }
        superblock.rotateBackup(try makeBackup(superblock), after: old)
        return superblock
    }

    private func makeBackup(_ superblock: Superblock) throws(VolumeError) -> BackupRoots {
        func root(_ id: ObjectID) throws(VolumeError) -> BackupRoots.Root {
            guard let item = try Volume.rootItem(of: id, in: try rootTree())?.item else { return BackupRoots.Root() }
            return BackupRoots.Root(address: item.address, generation: item.generation, level: item.level)
        }
        return BackupRoots(
            tree: BackupRoots.Root(
                address: superblock.root, generation: generation, level: superblock.rootLevel),
            chunk: BackupRoots.Root(
                address: superblock.chunkRoot, generation: superblock.chunkRootGeneration,
                level: superblock.chunkRootLevel),
            extent: try root(.extentTree), file: try root(.fileTree), device: try root(.deviceTree),
            checksum: try root(.checksumTree), totalBytes: superblock.totalBytes,
            bytesUsed: superblock.bytesUsed, deviceCount: superblock.deviceCount)
    }

    // MARK: Writing

    private func writeBlocks() throws(VolumeError) {
        // While the devices take the first blocks, another thread works out the checksums of the next ones.
        let (blocks, checksum) = (blocksToWrite, volume.checksumType)
        let pieceSize = 64
        let sealing = WorkAhead(pieceCount: (blocks.count + pieceSize - 1) / pieceSize) { piece in
            let first = piece * pieceSize
            for block in blocks[first..<min(first + pieceSize, blocks.count)] { block.seal(checksum) }
        }
        if blocks.count > pieceSize { sealing.start() }
        defer { sealing.finish() }
        let run = BlockBuffer(count: max(Int(ChunkMap.stripeLength), volume.nodeSize))
        var index = 0
        while index < blocks.count {
            // Blocks that lie side by side on the devices are written as one: calls cost more than copying.
            let start = blocks[index].address
            let limit = volume.chunks.stripeEnd(at: start)
            var byteCount = 0
            repeat {
                sealing.need(index / pieceSize)
                let block = blocks[index]
                run.copy(block.bytes, to: byteCount)
                byteCount += volume.nodeSize
                index += 1
            } while index < blocks.count && blocks[index].address.rawValue == start.rawValue + UInt64(byteCount)
                && start.rawValue + UInt64(byteCount + volume.nodeSize) <= limit
            try volume.write(run.bytes.extracting(0..<byteCount), to: start)
        }
    }
}
