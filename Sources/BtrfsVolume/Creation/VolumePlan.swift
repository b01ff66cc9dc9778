internal import BtrfsFormat

/// Where the first chunks of a new volume lie.
struct VolumePlan {
    struct PlannedChunk {
        var start: UInt64
        var chunk: Chunk
        /// How much of its front the first tree blocks take.
        var used: UInt64 = 0

        var flags: BlockGroupFlags { chunk.type }
    }

    private(set) var chunks: [PlannedChunk] = []
    private(set) var deviceUsed: UInt64 = 0
    private let deviceID: UInt64
    private let deviceUUID: UUID
    private let sectorSize: UInt32
    /// The next free byte of the device. Nothing lies in its first mebibyte but the first superblock.
    private var physical: UInt64 = 1 << 20
    private var logical: UInt64 = 16 << 20
    private let byteCount: UInt64

    /// - Parameter byteCount: the size of the device.
    init(
        _ options: VolumeOptions, byteCount: UInt64, deviceID: UInt64, deviceUUID: UUID
    ) throws(VolumeError) {
        self.deviceID = deviceID
        self.deviceUUID = deviceUUID
        sectorSize = options.sectorSize
        self.byteCount = byteCount
        let copies: UInt64 = options.metadataProfile == .dup ? 2 : 1
        let profile: BlockGroupFlags = copies == 2 ? .dup : []
        let minimum: UInt64 = (1 + copies * 12 + 8) << 20
        guard byteCount >= minimum else {
            throw .unsupported("a volume of \(byteCount) bytes; with these options it needs at least \(minimum)")
        }
        let tenth = byteCount / 10
        try add(.system.union(profile), length: Self.mebibytes(tenth / 4, from: 4, to: 8), copies)
        if options.hasMixedGroups {
            try add([.data, .metadata, profile], length: Self.mebibytes(tenth * 4 / copies, from: 8, to: 256), copies)
        } else {
            try add(.metadata.union(profile), length: Self.mebibytes(tenth, from: 8, to: 256), copies)
            try add(.data, length: Self.mebibytes(tenth * 2, from: 8, to: 1024), 1)
        }
    }

    /// Whole mebibytes, within bounds that are given in mebibytes.
    private static func mebibytes(_ bytes: UInt64, from low: UInt64, to high: UInt64) -> UInt64 {
        min(max(bytes >> 20, low), high) << 20
    }

    private mutating func add(_ type: BlockGroupFlags, length: UInt64, _ copies: UInt64) throws(VolumeError) {
        var stripes: [Chunk.Stripe] = []
        for _ in 0..<copies {
            // The first blocks lie at the front of a chunk; no superblock copy may be there.
            for offset in Superblock.offsets where (physical..<physical + (1 << 20)).contains(offset) {
                physical = offset + (1 << 20)
            }
            stripes.append(Chunk.Stripe(deviceID: deviceID, physical: physical, deviceUUID: deviceUUID))
            physical += length
        }
        guard physical <= byteCount else { throw .unsupported("a volume of \(byteCount) bytes is too small") }
        let chunk = Chunk(length: length, type: type, sectorSize: sectorSize, subStripes: 1, stripes: stripes)
        chunks.append(PlannedChunk(start: logical, chunk: chunk))
        logical += length
        deviceUsed += length * copies
    }

    /// Takes room for a tree block from the first chunk of the type.
    mutating func takeBlock(_ type: BlockGroupFlags, size: UInt64) throws(VolumeError) -> LogicalAddress {
        guard let index = chunks.firstIndex(where: { $0.flags.contains(type) }) else {
            throw .noSpace("a new volume has no chunk of type \(type)")
        }
        let address = chunks[index].start + chunks[index].used
        chunks[index].used += size
        return LogicalAddress(address)
    }
}
