public import BlockDevices
public import BtrfsFormat
internal import BtrfsVolume
public import TestSupport

/// A volume of the corpus as the matter that hostile images are made of.
public struct HostileImage {
    public let name: String
    /// As Linux left them; every case works on copies.
    public let devices: [MemoryDevice]
    public let used: UsedSpace
    let nodeSize: Int
    let sectorSize: Int
    let checksumType: ChecksumType
    let metadataIsWhole: Bool
    let values: ValuePool
    let chunks: ChunkMap
    let logBlocks: [UsedSpace.Block]
    /// The blocks of each committed tree.
    let committed: [[UsedSpace.Block]]

    public init(_ image: CorpusImage) throws {
        try self.init(name: image.name, devices: try image.load())
    }

    public init(name: String, devices: [MemoryDevice]) throws {
        self.name = name
        self.devices = devices
        let volume = try Volume(opening: devices)
        used = try UsedSpace(of: volume)
        nodeSize = volume.nodeSize
        sectorSize = volume.sectorSize
        checksumType = volume.checksumType
        chunks = volume.chunks
        metadataIsWhole = used.problems.isEmpty
        logBlocks = used.blocks.filter(\.isLog)
        committed = Dictionary(grouping: used.blocks.filter { !$0.isLog }, by: \.tree)
            .sorted { $0.key < $1.key }.map(\.value)
        values = ValuePool(volume, used)
    }

    /// Changes the items of all leaves of a tree, on copies of the devices.
    public func changing(
        _ tree: ObjectID, _ change: (inout [LooseItem]) -> Void
    ) throws -> [MemoryDevice] {
        let devices = devices.map { $0.copy() }
        for block in used.blocks where block.tree == tree && block.level == 0 && !block.isLog {
            var bytes = try bytes(of: block)
            var items = BlockMutation.items(of: bytes)
            change(&items)
            BlockMutation.fill(&bytes, with: BlockMutation.sorted(items))
            try write(bytes, at: block.address, to: devices)
        }
        return devices
    }

    /// Changes the bytes of all blocks of a tree, on copies of the devices. Checksums are made good.
    public func changingBlocks(
        of tree: ObjectID, _ change: (inout [UInt8], UsedSpace.Block) -> Void
    ) throws -> [MemoryDevice] {
        let devices = devices.map { $0.copy() }
        for block in used.blocks where block.tree == tree && !block.isLog {
            var bytes = try bytes(of: block)
            change(&bytes, block)
            try write(bytes, at: block.address, to: devices)
        }
        return devices
    }

    /// Changes the first superblock of all devices, on copies of them.
    public func changingSuperblock(_ change: (inout Superblock) -> Void) throws -> [MemoryDevice] {
        let devices = devices.map { $0.copy() }
        for device in devices {
            let bytes = try device.bytes(at: Superblock.offsets[0], count: Superblock.byteCount)
            var superblock = try Superblock(bytes.rawSpan)
            change(&superblock)
            try device.write(superblock.sealed(), at: Superblock.offsets[0])
        }
        return devices
    }

    /// The bytes of a block.
    func bytes(of block: UsedSpace.Block) throws -> [UInt8] {
        let range = try chunks.physicalRanges(of: block.address, count: nodeSize, copy: 0)
        var bytes: [UInt8] = []
        for piece in range {
            bytes += try devices[Int(piece.deviceID) - 1].bytes(at: piece.offset, count: piece.count)
        }
        return bytes
    }

    /// Writes all copies of a block, with the checksum that it ought to have.
    func write(_ content: [UInt8], at address: LogicalAddress, to devices: [MemoryDevice]) throws {
        var block = content
        let sum = checksumType.compute(block.rawSpan.extracting(BlockHeader.checksumByteCount..<block.count))
        for index in 0..<BlockHeader.checksumByteCount { block[index] = index < sum.count ? sum[index] : 0 }
        for copy in 0..<chunks.copyCount(at: address) {
            var done = 0
            for piece in try chunks.physicalRanges(of: address, count: block.count, copy: copy) {
                try devices[Int(piece.deviceID) - 1].write(
                    Array(block[done..<done + piece.count]), at: piece.offset)
                done += piece.count
            }
        }
    }
}
