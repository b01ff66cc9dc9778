internal import BtrfsFormat

// New chunks. One is made in memory when an allocator finds no room, which may be in the middle of a change of a tree;
// its items are stored when the transaction settles. Up to the commit only this transaction uses it.

extension Transaction {
    /// Whether a chunk was allocated in this transaction. The committed chunk tree does not know it yet, so a log must
    /// not refer to it: an fsync has to be a full commit.
    public var allocatedChunk: Bool { !newChunks.isEmpty }

    /// Makes a chunk for what its allocator has no room for.
    ///
    /// - Parameter content: data, metadata or system.
    /// - Throws: `VolumeError.noSpace` with the reason; nothing has changed.
    func makeChunk(for content: BlockGroupFlags) throws(VolumeError) {
        guard volume.devices.isComplete else {
            throw .noSpace("some devices of the volume are missing, so there can be no new block group")
        }
        let planner = ChunkPlanner(
            chunks: volume.chunks, devices: volume.devices.writable.map(\.member.deviceItem),
            sectorSize: UInt32(volume.sectorSize))
        let new = try planner.plan(content)
        if content == .system { try checkSystemChunks(with: new) }
        // These look at the volume's chunks when they are made.
        let (metadata, data, system) = (allocator, dataAllocator, systemAllocator)
        try volume.addChunk(new)
        newChunks.append(new)
        freeSpaceChanges.noteNewGroup(new.start.rawValue..<new.end)
        try blockGroups.add(new)
        if new.chunk.type.contains(.system) { return system.add(new) }
        if new.chunk.type.contains(.metadata) { metadata.add(new) }
        if new.chunk.type.contains(.data) { data.add(new) }
    }

    /// The superblock has the chunks of the chunk tree, and only so much room for them.
    private func checkSystemChunks(with new: MappedChunk) throws(VolumeError) {
        let pending = newChunks.filter { $0.chunk.type.contains(.system) } + [new]
        let size = pending.reduce(volume.superblock.systemChunksByteCount) {
            $0 + Key.byteCount + Chunk.byteCount(stripes: $1.chunk.stripes.count)
        }
        guard size <= Superblock.systemChunksCapacity else {
            throw .noSpace("the superblock has no room for another chunk of the chunk tree")
        }
    }

    /// Stores the items of chunks that were made since the last time.
    ///
    /// - Returns: whether there were any.
    func storeChunks() throws(VolumeError) -> Bool {
        let isStored = storedChunkCount < newChunks.count
        // Storing may take further chunks.
        while storedChunkCount < newChunks.count {
            let new = newChunks[storedChunkCount]
            storedChunkCount += 1
            try store(new)
        }
        return isStored
    }

    private func store(_ new: MappedChunk) throws(VolumeError) {
        guard let chunkTree = try tree(.chunkTree), let deviceTree = try tree(.deviceTree) else {
            throw .damaged("the volume has no device tree; run btrfs check")
        }
        let start = ObjectID(new.start.rawValue)
        let chunkBytes = new.chunk.encoded
        try chunkTree.insert(Key(Chunk.objectID, .chunkItem, new.start.rawValue), chunkBytes.rawSpan)
        let extent = DeviceExtent(
            chunkOffset: new.start, length: ChunkMap.stripeByteCount(new.chunk), chunkTreeUUID: chunkTreeUUID)
        let extentBytes = extent.encoded
        for stripe in new.chunk.stripes {
            try deviceTree.insert(
                Key(ObjectID(stripe.deviceID), .deviceExtent, stripe.physical), extentBytes.rawSpan)
            try countDeviceBytes(extent.length, of: stripe.deviceID, in: chunkTree)
        }
        let groupBytes = BlockGroupItem(used: 0, flags: new.chunk.type).encoded
        try blockGroupTree().insert(Key(start, .blockGroupItem, new.chunk.length), groupBytes.rawSpan)
        guard let freeSpace = try freeSpaceTree() else { return }
        let infoBytes = FreeSpaceInfo(extentCount: 1).encoded
        let nothing: [UInt8] = []
        try freeSpace.insert(Key(start, .freeSpaceInfo, new.chunk.length), infoBytes.rawSpan)
        try freeSpace.insert(Key(start, .freeSpaceExtent, new.chunk.length), nothing.rawSpan)
    }

    private func countDeviceBytes(
        _ count: UInt64, of deviceID: UInt64, in chunkTree: Tree
    ) throws(VolumeError) {
        let key = Key(DeviceItem.objectID, .deviceItem, deviceID)
        guard let data = try chunkTree.find(key) else { throw .noSuchKey(tree: .chunkTree, key) }
        var item = try parsing(key) { () throws(FormatError) in try DeviceItem(data) }
        let (sum, overflow) = item.bytesUsed.addingReportingOverflow(count)
        guard !overflow else { throw .damaged("the device has \(item.bytesUsed) bytes in use", key: key) }
        item.bytesUsed = sum
        let bytes = item.encoded
        try chunkTree.put(key, bytes.rawSpan)
    }

    /// Brings what the chunk tree has become into the superblock.
    func putChunks(into superblock: inout Superblock) throws(VolumeError) {
        guard let chunkTree = changedTrees.first(where: { $0.id == .chunkTree }) else { return }
        superblock.chunkRoot = chunkTree.root.address
        superblock.chunkRootLevel = UInt8(chunkTree.root.level)
        superblock.chunkRootGeneration = generation
        let system = newChunks.filter { $0.chunk.type.contains(.system) }
        guard !system.isEmpty else { return }
        do {
            let old = try superblock.systemChunks()
            let new = system.map { (Key(Chunk.objectID, .chunkItem, $0.start.rawValue), $0.chunk) }
            try superblock.setSystemChunks(old + new)
        } catch { throw .format(error) }
    }

    /// Counts the new chunks in the device items that the superblocks carry.
    func countChunksOfDevices() {
        for new in newChunks {
            let length = ChunkMap.stripeByteCount(new.chunk)
            for stripe in new.chunk.stripes { volume.devices.count(length, of: stripe.deviceID) }
        }
    }
}
