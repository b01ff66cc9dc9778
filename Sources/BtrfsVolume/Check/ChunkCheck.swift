internal import BtrfsFormat

/// A block group item.
struct FoundGroup {
    var item: BlockGroupItem
    var length: UInt64
    var place: CheckPlace
}

/// Chunks, what devices say of them, and block groups: three lists of the same.
final class ChunkCheck {
    private struct Extent {
        var item: DeviceExtent
        var place: CheckPlace
    }

    /// Where a stripe lies.
    private struct Spot: Hashable {
        var device: UInt64
        var offset: UInt64
    }

    private var devices: [(item: DeviceItem, place: CheckPlace)] = []
    private var extents: [Spot: Extent] = [:]
    private var lastEnd = Spot(device: 0, offset: 0)
    private var allocated: [UInt64: UInt64] = [:]
    /// Where the last extent of each device ends.
    private var ends: [UInt64: UInt64] = [:]

    /// Reads a leaf of the chunk tree. The chunks are known; what is left are the devices.
    func readChunks(_ leaf: CheckedBlock, _ run: CheckRun) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            guard leaf.block.key(at: slot).type == .deviceItem else { continue }
            let place = leaf.place(slot, .chunkTree)
            if let item = try? DeviceItem(leaf.block.data(at: slot)) { devices.append((item, place)) }
        }
    }

    /// Reads a leaf of the device tree.
    func readDeviceExtents(_ leaf: CheckedBlock, _ run: CheckRun) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            let key = leaf.block.key(at: slot)
            guard key.type == .deviceExtent, let item = try? DeviceExtent(leaf.block.data(at: slot)) else { continue }
            let place = leaf.place(slot, .deviceTree)
            let device = key.objectID.rawValue
            let (end, overflow) = key.offset.addingReportingOverflow(item.length)
            if overflow {
                run.sink.error(.deviceExtent, place, "the extent has \(item.length) bytes")
                continue
            }
            if lastEnd.device == device, key.offset < lastEnd.offset {
                run.sink.error(.deviceExtent, place, "the extent before it reaches to \(lastEnd.offset)")
            }
            lastEnd = Spot(device: device, offset: end)
            ends[device] = max(ends[device] ?? 0, end)
            allocated[device] = (allocated[device] ?? 0) &+ item.length
            extents[Spot(device: device, offset: key.offset)] = Extent(item: item, place: place)
        }
    }

    /// Compares what was read.
    func compare(_ run: CheckRun) {
        let knowsExtents = !run.incomplete.contains(.deviceTree)
        for mapped in run.volume.chunks.chunks {
            let length = ChunkMap.stripeByteCount(mapped.chunk)
            for stripe in mapped.chunk.stripes {
                let spot = Spot(device: stripe.deviceID, offset: stripe.physical)
                let text = "the chunk at \(mapped.start) has a stripe at \(spot.offset) of device \(spot.device)"
                guard let extent = extents.removeValue(forKey: spot) else {
                    if knowsExtents { run.sink.error(.chunk, .volume, "\(text), without a device extent") }
                    continue
                }
                if extent.item.chunkOffset != mapped.start {
                    run.sink.error(
                        .deviceExtent, extent.place, "\(text), the extent is of chunk \(extent.item.chunkOffset)")
                }
                if extent.item.length != length {
                    run.sink.error(
                        .deviceExtent, extent.place,
                        "\(text) of \(length) bytes, the device extent has \(extent.item.length)")
                }
            }
        }
        for (spot, extent) in extents.sorted(by: { ($0.key.device, $0.key.offset) < ($1.key.device, $1.key.offset) })
        where !run.incomplete.contains(.chunkTree) {
            run.sink.error(
                .deviceExtent, extent.place, "no chunk has a stripe at \(spot.offset) of device \(spot.device)")
        }
        compareDevices(run)
    }

    /// By number and UUID of its stripes Linux finds the devices of a chunk; copies on one device would be lost
    /// together.
    private func compareStripes(_ run: CheckRun) {
        let uuids = Dictionary(devices.map { ($0.item.deviceID, $0.item.uuid) }) { first, _ in first }
        for mapped in run.volume.chunks.chunks {
            for stripe in mapped.chunk.stripes where uuids[stripe.deviceID] != stripe.deviceUUID {
                run.sink.error(
                    .chunk, .volume,
                    "the chunk at \(mapped.start) has a stripe on device \(stripe.deviceID) with UUID "
                        + "\(stripe.deviceUUID), which is not that of the device")
            }
            let ids = Set(mapped.chunk.stripes.map(\.deviceID))
            if ids.count < mapped.chunk.stripes.count, mapped.profile != .dup {
                run.sink.error(.chunk, .volume, "the chunk at \(mapped.start) has two stripes on one device")
            }
        }
    }

    /// By UUIDs Linux finds devices, and tells those of a volume from those of the seed out of which it grew.
    private func checkVolume(of item: DeviceItem, _ place: CheckPlace, _ run: CheckRun) {
        let member = run.volume.devices.members[item.deviceID]
        let uuid = member?.seed?.metadataUUID ?? run.volume.superblock.metadataUUID
        if item.fsid != uuid {
            run.sink.error(.device, place, "the device is said to be of volume \(item.fsid), not of \(uuid)")
        }
        if let member, member.deviceItem.uuid != item.uuid {
            run.sink.error(
                .device, place, "the UUID is \(item.uuid), the superblock of the device has \(member.deviceItem.uuid)")
        }
    }

    private func compareDevices(_ run: CheckRun) {
        if run.incomplete.contains(.chunkTree) || run.incomplete.contains(.deviceTree) { return }
        var total: UInt64 = 0
        for (item, place) in devices {
            total &+= item.totalBytes
            checkVolume(of: item, place, run)
            let end = ends[item.deviceID] ?? 0
            if end > item.totalBytes {
                run.sink.error(
                    .deviceExtent, place, "an extent ends at \(end), the device has \(item.totalBytes) bytes")
            }
            let used = allocated[item.deviceID] ?? 0
            if item.bytesUsed != used {
                run.sink.error(
                    .device, place, "bytes_used is \(item.bytesUsed), the device extents have \(used)")
            }
        }
        compareStripes(run)
        let superblock = run.volume.superblock
        if superblock.deviceCount != UInt64(devices.count) {
            run.sink.error(
                .superblock, .volume,
                "num_devices is \(superblock.deviceCount), there are \(devices.count) device items")
        }
        if superblock.totalBytes != total {
            run.sink.error(
                .superblock, .volume, "total_bytes is \(superblock.totalBytes), the devices have \(total)")
        }
    }
}

/// Block groups, of which there is one for each chunk.
extension CheckRun {
    /// Reads a leaf of a tree of block groups.
    func readBlockGroups(_ leaf: CheckedBlock) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            let key = leaf.block.key(at: slot)
            let place = leaf.place(slot, .blockGroupTree)
            guard key.type == .blockGroupItem else { continue }
            do throws(FormatError) { try readBlockGroup(key, leaf.block.data(at: slot), place) } catch {
                sink.error(.item, place, "\(FormatError(error.reason))")
            }
        }
    }

    func readBlockGroup(_ key: Key, _ data: RawSpan, _ place: CheckPlace) throws(FormatError) {
        let item = try BlockGroupItem(data)
        if groups[key.objectID.rawValue] != nil {
            sink.error(.blockGroup, place, "there is another block group at \(key.objectID.rawValue)")
        }
        groups[key.objectID.rawValue] = FoundGroup(item: item, length: key.offset, place: place)
    }

    /// Compares chunks with block groups, devices and the superblock's own list.
    func checkChunks(_ chunks: ChunkCheck) {
        chunks.compare(self)
        var unmatched = groups
        let groupTree: ObjectID = volume.superblock.compatRO.contains(.blockGroupTree) ? .blockGroupTree : .extentTree
        for mapped in volume.chunks.chunks {
            guard let group = unmatched.removeValue(forKey: mapped.start.rawValue) else {
                if !incomplete.contains(groupTree) {
                    sink.error(.chunk, .volume, "the chunk at \(mapped.start) has no block group")
                }
                continue
            }
            if group.length != mapped.chunk.length || group.item.flags != mapped.chunk.type {
                sink.error(
                    .blockGroup, group.place,
                    "\(group.length) bytes of type \(group.item.flags), the chunk has \(mapped.chunk.length) of type "
                        + "\(mapped.chunk.type)")
            }
        }
        for (start, group) in unmatched.sorted(by: { $0.key < $1.key }) {
            sink.error(.blockGroup, group.place, "there is no chunk at \(start)")
        }
        checkSystemChunks()
    }

    private func checkSystemChunks() {
        guard let listed = try? volume.superblock.systemChunks() else { return }
        for (key, chunk) in listed {
            let mapped = volume.chunks.chunk(at: LogicalAddress(key.offset))
            if mapped?.start.rawValue != key.offset || mapped?.chunk != chunk {
                sink.error(
                    .superblock, .volume, "sys_chunk_array has a chunk at \(key.offset) that the chunk tree has not")
            }
        }
    }
}
