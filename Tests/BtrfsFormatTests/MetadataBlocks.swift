import BlockDevices
import BtrfsFormat
import TestSupport

/// The tree blocks on the devices of a crash image, found by their content: those of the last commit, those
/// of the log, and what is left of earlier transactions.
struct MetadataBlocks {
    let superblock: Superblock
    /// Blocks with a valid checksum, each once, though there may be two copies.
    let blocks: [[UInt8]]

    init(of image: CorpusImage) throws {
        let devices = try image.load()
        let superblock = try Self.superblock(of: devices[0])
        var found: Set<[UInt8]> = []
        for device in devices {
            for range in device.dataRanges.ranges {
                for block in try Self.blocks(in: range, of: device, superblock) { found.insert(block) }
            }
        }
        self.superblock = superblock
        blocks = Array(found)
    }

    private static func superblock(of device: MemoryDevice) throws -> Superblock {
        let bytes = try device.bytes(at: Superblock.offsets[0], count: Superblock.byteCount)
        return try Superblock(bytes.rawSpan)
    }

    private static func blocks(
        in range: Range<UInt64>, of device: MemoryDevice, _ superblock: Superblock
    ) throws -> [[UInt8]] {
        let nodeSize = UInt64(superblock.nodeSize)
        // Chunks start at multiples of 64 KiB, blocks in them at multiples of their size.
        let first = range.lowerBound / nodeSize * nodeSize
        return try stride(from: first, to: range.upperBound, by: Int(nodeSize)).compactMap { offset in
            let block = try device.bytes(at: offset, count: Int(nodeSize))
            return try isBlock(block, superblock) ? block : nil
        }
    }

    private static func isBlock(_ block: [UInt8], _ superblock: Superblock) throws -> Bool {
        let bytes = block.rawSpan
        let header = try BlockHeader(bytes)
        // A superblock looks like a block of 4096 bytes, and mkfs leaves behind what was valid for it alone.
        guard header.fsid == superblock.metadataUUID, header.generation > 1, header.level < 8,
            try bytes.u64(at: 0x40) != Superblock.magic
        else { return false }
        let body = bytes.extracting(droppingFirst: BlockHeader.checksumByteCount)
        return superblock.checksumType.matches(body, stored: bytes)
    }

    func context(of block: [UInt8]) throws -> CheckContext {
        let header = try BlockHeader(block.rawSpan)
        return CheckContext(
            sectorSize: Int(superblock.sectorSize), nodeSize: Int(superblock.nodeSize),
            generation: superblock.generation, checksumSize: superblock.checksumType.size,
            isLog: header.owner == .treeLog, owner: header.owner, access: .writing)
    }
}
