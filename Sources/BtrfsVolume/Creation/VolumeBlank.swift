internal import BtrfsFormat

/// All blocks of a new, empty volume, in memory.
///
/// Every tree is a single leaf, as `mkfs.btrfs` leaves them too.
struct VolumeBlank {
    private(set) var superblock: Superblock
    let deviceItem: DeviceItem
    /// The tree blocks by address, with checksums.
    private(set) var blocks: [(address: LogicalAddress, bytes: [UInt8])] = []

    private let options: VolumeOptions
    private let plan: VolumePlan
    private let map: ChunkMap
    /// Where the leaf of each tree lies.
    private let leaves: [(tree: ObjectID, address: LogicalAddress)]
    private let chunkTreeUUID: UUID
    private let subvolumeUUID: UUID
    private let fsid: UUID
    private var generation: Generation { 1 }
    private var nodeSize: UInt64 { UInt64(options.nodeSize) }

    /// - Parameter byteCount: the size of the device.
    init(
        _ options: VolumeOptions, byteCount: UInt64, _ generator: inout some RandomNumberGenerator
    ) throws(VolumeError) {
        self.options = options
        fsid = options.uuid ?? .random(&generator)
        chunkTreeUUID = .random(&generator)
        subvolumeUUID = .random(&generator)
        let deviceUUID = UUID.random(&generator)
        let size = byteCount / UInt64(options.sectorSize) * UInt64(options.sectorSize)
        var plan = try VolumePlan(options, byteCount: size, deviceID: 1, deviceUUID: deviceUUID)
        var leaves: [(tree: ObjectID, address: LogicalAddress)] = []
        for tree in Self.trees(options) {
            let type: BlockGroupFlags = tree == .chunkTree ? .system : .metadata
            leaves.append((tree, try plan.takeBlock(type, size: UInt64(options.nodeSize))))
        }
        self.plan = plan
        self.leaves = leaves
        var map = ChunkMap()
        for planned in plan.chunks { try map.insert(planned.chunk, at: LogicalAddress(planned.start)) }
        self.map = map
        deviceItem = DeviceItem(
            deviceID: 1, totalBytes: size, bytesUsed: plan.deviceUsed, sectorSize: options.sectorSize,
            uuid: deviceUUID, fsid: fsid)
        superblock = Superblock(empty: options.checksumType)
        try fillSuperblock(size)
        for leaf in leaves { blocks.append((leaf.address, try makeLeaf(leaf.tree, at: leaf.address))) }
    }

    private static func trees(_ options: VolumeOptions) -> [ObjectID] {
        var trees: [ObjectID] = [.chunkTree, .rootTree, .extentTree, .deviceTree, .fileTree, .checksumTree]
        if options.hasUUIDTree { trees.append(.uuidTree) }
        if options.hasFreeSpaceTree { trees.append(.freeSpaceTree) }
        if options.hasBlockGroupTree { trees.append(.blockGroupTree) }
        return trees + [.dataRelocationTree]
    }

    /// All copies of all blocks, with their places on the device.
    func placedBlocks() throws(VolumeError) -> [(offset: UInt64, bytes: [UInt8])] {
        var placed: [(offset: UInt64, bytes: [UInt8])] = []
        for (address, bytes) in blocks {
            try map.forEachPlace(of: address, count: bytes.count) { (place, part) throws(VolumeError) in
                placed.append((place.offset, Array(bytes[part])))
            }
        }
        return placed
    }

    private func address(of tree: ObjectID) -> LogicalAddress {
        leaves.first { $0.tree == tree }?.address ?? LogicalAddress(0)
    }

    // MARK: Superblock

    private mutating func fillSuperblock(_ size: UInt64) throws(VolumeError) {
        superblock.fsid = fsid
        superblock.flags = SuperblockFlags(rawValue: BlockHeader.writtenFlag)
        superblock.generation = generation
        superblock.root = address(of: .rootTree)
        superblock.chunkRoot = address(of: .chunkTree)
        superblock.chunkRootGeneration = generation
        superblock.totalBytes = size
        superblock.bytesUsed = UInt64(leaves.count) * nodeSize
        superblock.rootDirectory = .rootTreeDirectory
        superblock.deviceCount = 1
        superblock.sectorSize = options.sectorSize
        superblock.nodeSize = options.nodeSize
        superblock.stripeSize = options.sectorSize
        superblock.incompat = options.incompat
        superblock.compatRO = options.compatRO
        superblock.deviceItem = deviceItem
        superblock.label = options.label
        // Without a free space tree: a generation that no volume has, so that no space cache is looked for.
        superblock.cacheGeneration = options.hasFreeSpaceTree ? 0 : .max
        superblock.uuidTreeGeneration = options.hasUUIDTree ? generation : 0
        let system = plan.chunks.filter { $0.flags.contains(.system) }
        do {
            try superblock.setSystemChunks(system.map { (Key(Chunk.objectID, .chunkItem, $0.start), $0.chunk) })
        } catch { throw .format(error) }
    }

    // MARK: Blocks

    private func makeLeaf(_ tree: ObjectID, at address: LogicalAddress) throws(VolumeError) -> [UInt8] {
        let header = BlockHeader(
            fsid: fsid, address: address, chunkTreeUUID: chunkTreeUUID, generation: generation, owner: tree, level: 0)
        let block = TreeBlock(
            new: address, level: 0, buffer: BlockBuffer(count: Int(nodeSize)), header: header)
        for (key, data) in items(of: tree).sorted(by: { $0.0 < $1.0 }) {
            guard data.count + LeafView.itemHeaderByteCount <= block.freeByteCount else {
                throw .itemTooLarge(tree: tree, key, size: data.count)
            }
            let slot = block.count
            block.insertItem(at: slot, key: key, size: data.count)
            block.setData(at: slot, data.rawSpan)
        }
        block.seal(options.checksumType)
        return block.bytes.copied
    }

    private func items(of tree: ObjectID) -> [(Key, [UInt8])] {
        switch tree {
        case .rootTree: rootItems()
        case .chunkTree: chunkItems()
        case .deviceTree: deviceExtents()
        case .extentTree: extentItems() + (options.hasBlockGroupTree ? [] : blockGroupItems())
        case .blockGroupTree: blockGroupItems()
        case .freeSpaceTree: freeSpaceItems()
        case .fileTree, .dataRelocationTree: rootDirectory(.firstFree)
        case .uuidTree: [(Key(ObjectID(subvolumeUUID.low), .uuidSubvolume, subvolumeUUID.high), Self.bytes(of: 5))]
        default: []
        }
    }

    private static func bytes(of number: UInt64) -> [UInt8] {
        [UInt8](byteCount: 8) { (target: inout MutableRawSpan) in target.store(number, at: 0) }
    }

    // MARK: Trees

    private func rootItems() -> [(Key, [UInt8])] {
        var items: [(Key, [UInt8])] = []
        for leaf in leaves where leaf.tree != .rootTree && leaf.tree != .chunkTree {
            var item = RootItem(address: leaf.address, level: 0, generation: generation)
            item.bytesUsed = nodeSize
            var inode = RootItem.inode(nodeSize: Int(nodeSize))
            if leaf.tree == .fileTree || leaf.tree == .dataRelocationTree { item.rootDirID = .firstFree }
            if leaf.tree == .fileTree { inode.flags = .rootItemInitialized }
            item.inode = inode
            if leaf.tree == .fileTree {
                item.uuid = subvolumeUUID
                item.ctime = options.time
                item.otime = options.time
            }
            items.append((Key(leaf.tree, .rootItem, 0), item.encoded))
        }
        let name = Array("default".utf8)
        let entry = ItemBuffer(capacity: 256)
        entry.appendEntry(
            name.rawSpan, location: Key(.fileTree, .rootItem, .max), transid: 0, type: .directory)
        let hash = UInt64(NameHash.name(name.rawSpan))
        items.append((Key(.rootTreeDirectory, .dirItem, hash), entry.bytes.copied))
        items.append((Key(.fileTree, .inodeRef, ObjectID.rootTreeDirectory.rawValue), reference(name)))
        return items + rootDirectory(.rootTreeDirectory)
    }

    /// The inode of a directory that is its own parent.
    private func rootDirectory(_ inode: ObjectID) -> [(Key, [UInt8])] {
        var item = InodeItem(generation: generation, mode: 0o040755, time: options.time)
        item.nbytes = inode == .rootTreeDirectory ? nodeSize : 0
        return [
            (Key(inode, .inodeItem, 0), item.encoded),
            (Key(inode, .inodeRef, inode.rawValue), reference(Array("..".utf8))),
        ]
    }

    private func reference(_ name: [UInt8]) -> [UInt8] {
        let buffer = ItemBuffer(capacity: 256)
        buffer.appendReference(index: 0, name: name.rawSpan)
        return buffer.bytes.copied
    }

    private func chunkItems() -> [(Key, [UInt8])] {
        [(Key(ObjectID(1), .deviceItem, 1), deviceItem.encoded)]
            + plan.chunks.map { (Key(Chunk.objectID, .chunkItem, $0.start), $0.chunk.encoded) }
    }

    private func deviceExtents() -> [(Key, [UInt8])] {
        plan.chunks.flatMap { planned in
            planned.chunk.stripes.map { stripe in
                let extent = DeviceExtent(
                    chunkOffset: LogicalAddress(planned.start), length: planned.chunk.length,
                    chunkTreeUUID: chunkTreeUUID)
                return (Key(ObjectID(stripe.deviceID), .deviceExtent, stripe.physical), extent.encoded)
            }
        }
    }

    private func extentItems() -> [(Key, [UInt8])] {
        leaves.map { leaf in
            let item = ExtentItem(refs: 1, generation: generation, flags: .treeBlock).encoded
            let reference = InlineRef.treeBlock(root: leaf.tree).encoded
            let id = ObjectID(leaf.address.rawValue)
            if options.hasSkinnyMetadata { return (Key(id, .metadataItem, 0), item + reference) }
            let first = items(of: leaf.tree == .extentTree ? .rootTree : leaf.tree).map(\.0).min() ?? .minimum
            let info = TreeBlockInfo(key: first, level: 0).encoded
            return (Key(id, .extentItem, nodeSize), item + info + reference)
        }
    }

    private func blockGroupItems() -> [(Key, [UInt8])] {
        plan.chunks.map { planned in
            let item = BlockGroupItem(used: planned.used, flags: planned.flags)
            return (Key(ObjectID(planned.start), .blockGroupItem, planned.chunk.length), item.encoded)
        }
    }

    private func freeSpaceItems() -> [(Key, [UInt8])] {
        plan.chunks.flatMap { planned in
            let start = planned.start + planned.used
            return [
                (
                    Key(ObjectID(planned.start), .freeSpaceInfo, planned.chunk.length),
                    FreeSpaceInfo(extentCount: 1).encoded
                ),
                (Key(ObjectID(start), .freeSpaceExtent, planned.chunk.length - planned.used), []),
            ]
        }
    }
}
