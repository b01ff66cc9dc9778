internal import BtrfsFormat

/// Where on the devices a new chunk can lie.
///
/// The corresponding kernel function is `btrfs_create_chunk`.
struct ChunkPlanner {
    let chunks: ChunkMap
    let devices: [DeviceItem]
    let sectorSize: UInt32

    /// The first mebibyte of a device is left to boot loaders and the first superblock.
    private static var reserved: UInt64 { 1 << 20 }
    private static var smallest: UInt64 { 1 << 20 }

    /// A chunk like those that hold `content` already, behind all other addresses.
    ///
    /// - Parameter content: data, metadata or system.
    /// - Throws: `VolumeError.noSpace` with the reason when there is no room, or no chunk of this kind can be made.
    /// - Complexity: O(*n* log *n*) for the chunks of the volume.
    func plan(_ content: BlockGroupFlags) throws(VolumeError) -> MappedChunk {
        let model = chunks.chunks.last {
            $0.chunk.type.contains(content) && $0.chunk.type.contains(.system) == (content == .system)
        }
        guard let model else { throw .noSpace("the volume has no block group of type \(content) to go by") }
        let stripes: (devices: Int, each: UInt64)
        switch model.profile {
        case []: stripes = (1, 1)
        case .dup: stripes = (1, 2)
        case .raid1: stripes = (2, 1)
        case .raid1c3: stripes = (3, 1)
        case .raid1c4: stripes = (4, 1)
        default: throw .noSpace("new block groups of \(model.chunk.type) are not made; Linux makes them")
        }
        // As Linux does, where there is the most room.
        let places = devices.map { (device: $0, hole: largestHole(of: $0)) }.sorted {
            ($0.hole.count, $1.device.deviceID) > ($1.hole.count, $0.device.deviceID)
        }
        guard places.count >= stripes.devices, let least = places.prefix(stripes.devices).last else {
            throw .noSpace("a block group of \(model.chunk.type) takes \(stripes.devices) devices")
        }
        let length = min(wantedLength(content), UInt64(least.hole.count) / stripes.each) / ChunkMap.stripeLength
            * ChunkMap.stripeLength
        guard length >= Self.smallest else {
            throw .noSpace("all room on the devices belongs to block groups, so there can be no further one")
        }
        var list: [Chunk.Stripe] = []
        for place in places.prefix(stripes.devices) {
            for copy in 0..<stripes.each {
                list.append(
                    Chunk.Stripe(
                        deviceID: place.device.deviceID, physical: place.hole.lowerBound + copy * length,
                        deviceUUID: place.device.uuid))
            }
        }
        let chunk = Chunk(
            length: length, type: model.chunk.type, sectorSize: sectorSize, subStripes: 1, stripes: list)
        return MappedChunk(start: LogicalAddress(chunks.chunks.last?.end ?? Self.reserved), chunk: chunk)
    }

    /// How long a chunk Linux would make, if there is the room: a tenth of the volume, within bounds.
    private func wantedLength(_ content: BlockGroupFlags) -> UInt64 {
        let total = devices.reduce(0) { $0 &+ $1.totalBytes }
        let most: UInt64 =
            switch content {
            case .system: 8 << 20
            case .data: 1 << 30
            default: total > 50 << 30 ? 1 << 30 : 256 << 20
            }
        return min(max(total / 10, 8 << 20), most)
    }

    private func largestHole(of device: DeviceItem) -> Range<UInt64> {
        var used: [Range<UInt64>] = []
        for mapped in chunks.chunks {
            let length = ChunkMap.stripeByteCount(mapped.chunk)
            for stripe in mapped.chunk.stripes where stripe.deviceID == device.deviceID {
                used.append(stripe.physical..<stripe.physical + length)
            }
        }
        used.sort { $0.lowerBound < $1.lowerBound }
        var best: Range<UInt64> = 0..<0
        var position = Self.reserved
        for range in used + [device.totalBytes..<device.totalBytes] {
            if range.lowerBound > position, range.lowerBound - position > UInt64(best.count) {
                best = position..<range.lowerBound
            }
            position = max(position, range.upperBound)
        }
        return best
    }
}
