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
        guard let layout = Layout(model.profile) else {
            throw .noSpace("new block groups of \(model.chunk.type) are not made; Linux makes them")
        }
        // As Linux does, where there is the most room.
        let places = devices.map { (device: $0, hole: largestHole(of: $0)) }
            .filter { UInt64($0.hole.count) >= Self.smallest * layout.each }
            .sorted { ($0.hole.count, $1.device.deviceID) > ($1.hole.count, $0.device.deviceID) }
            .prefix(layout.mostDevices)
        let count = places.count / layout.multiple * layout.multiple
        guard count >= layout.leastDevices else {
            throw .noSpace(
                "a further block group of \(model.chunk.type) takes room on \(layout.leastDevices) devices, "
                    + "and \(places.count) have some")
        }
        let chosen = places.prefix(count)
        let room = chosen.reduce(UInt64.max) { min($0, UInt64($1.hole.count)) } / layout.each
        let dataStripes = UInt64(count) * layout.each / layout.copies
        let stripe = max(min(wantedLength(content) / dataStripes, room), Self.smallest) / ChunkMap.stripeLength
            * ChunkMap.stripeLength
        var list: [Chunk.Stripe] = []
        for place in chosen {
            for copy in 0..<layout.each {
                list.append(
                    Chunk.Stripe(
                        deviceID: place.device.deviceID, physical: place.hole.lowerBound + copy * stripe,
                        deviceUUID: place.device.uuid))
            }
        }
        let chunk = Chunk(
            length: stripe * dataStripes, type: model.chunk.type, sectorSize: sectorSize,
            subStripes: model.profile == .raid10 ? 2 : 1, stripes: list)
        return MappedChunk(start: LogicalAddress(chunks.chunks.last?.end ?? Self.reserved), chunk: chunk)
    }

    /// How a profile spreads a chunk over devices.
    ///
    /// The corresponding kernel table is `btrfs_raid_array`.
    private struct Layout {
        var leastDevices: Int
        var mostDevices: Int
        /// The number of devices is a multiple of this.
        var multiple = 1
        /// How many stripes lie on each device.
        var each: UInt64 = 1
        /// How many copies there are of each byte.
        var copies: UInt64

        /// Nil for profiles of which no chunks are made: those with parity.
        init?(_ profile: BlockGroupFlags) {
            switch profile {
            case []: (leastDevices, mostDevices, copies) = (1, 1, 1)
            case .dup: (leastDevices, mostDevices, each, copies) = (1, 1, 2, 2)
            case .raid0: (leastDevices, mostDevices, copies) = (1, .max, 1)
            case .raid1: (leastDevices, mostDevices, copies) = (2, 2, 2)
            case .raid1c3: (leastDevices, mostDevices, copies) = (3, 3, 3)
            case .raid1c4: (leastDevices, mostDevices, copies) = (4, 4, 4)
            case .raid10: (leastDevices, mostDevices, multiple, copies) = (2, .max, 2, 2)
            default: return nil
            }
        }
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
