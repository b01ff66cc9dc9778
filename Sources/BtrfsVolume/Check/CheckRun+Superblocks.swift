internal import BlockDevices
internal import BtrfsFormat

/// Superblocks and their copies.
extension CheckRun {
    func checkSuperblocks() {
        for (id, member) in volume.devices.sorted {
            for (index, offset) in Superblock.offsets(within: member.deviceItem.totalBytes).enumerated() {
                checkSuperblock(index, at: offset, of: member, id)
            }
        }
        if !volume.devices.isComplete {
            sink.error(
                .device, .volume,
                "the volume has \(volume.devices.expectedCount) devices, \(volume.devices.sorted.count) are there")
        }
    }

    private func checkSuperblock(_ index: Int, at offset: UInt64, of member: VolumeDevices.Member, _ id: UInt64) {
        let device = member.device
        let what = "device \(id) (\(device.name)): the superblock at \(offset)"
        let superblock: Superblock
        do {
            let bytes = try device.bytes(at: offset, count: Superblock.byteCount)
            superblock = try Superblock(bytes.rawSpan, copyAt: offset)
        } catch {
            sink.error(.superblock, .volume, "\(what) is damaged: \(error)")
            return
        }
        let current = volume.superblock
        guard superblock.fsid == member.seed?.fsid ?? current.fsid else {
            return sink.error(.superblock, .volume, "\(what) is that of another volume, \(superblock.fsid)")
        }
        let generation = member.seed?.generation ?? current.generation
        guard superblock.generation == generation else {
            let text = "\(what) is of generation \(superblock.generation), the volume of \(generation)"
            // The first one is what a mount goes by.
            return index == 0 ? sink.error(.superblock, .volume, text) : sink.note(.superblock, .volume, text)
        }
        if member.seed != nil { return }
        if superblock.root != current.root || superblock.chunkRoot != current.chunkRoot
            || superblock.bytesUsed != current.bytesUsed
        {
            sink.error(.superblock, .volume, "\(what) names other trees than the first one of the same generation")
        }
    }
}
