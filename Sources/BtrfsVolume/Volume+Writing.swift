internal import BlockDevices
package import BtrfsFormat

/// Bytes that are to be written to a device.
struct DeviceWrite {
    var device: any BlockDevice
    var offset: UInt64
    var bytes: [UInt8]

    func perform() throws(DeviceError) { try device.write(bytes, at: offset) }
}

extension Volume {
    /// Writes all copies of a block.
    func write(_ bytes: RawSpan, to address: LogicalAddress) throws(VolumeError) {
        try chunks.forEachPlace(of: address, count: bytes.byteCount) { (place, part) throws(VolumeError) in
            let device = try devices.device(place.deviceID)
            do throws(DeviceError) { try device.write(bytes.extracting(part), at: place.offset) } catch {
                throw .device(error)
            }
        }
    }

    /// Makes everything durable that was written.
    func flush() throws(VolumeError) {
        for (_, member) in devices.writable {
            do { try member.device.flush() } catch { throw .device(error) }
        }
    }

    // MARK: Superblocks

    /// Writes a superblock to all devices: the copies, flush, the first ones, flush. Should a first one be torn, the
    /// copy behind it has the new state as a whole.
    func writeSuperblocks(_ superblock: Superblock) throws(VolumeError) {
        for copies in [1..<Superblock.offsets.count, 0..<1] {
            for write in superblockWrites(superblock, copies) {
                do { try write.perform() } catch { throw .device(error) }
            }
            try flush()
        }
    }

    /// What has to be written so that a superblock is on all devices, in the copies with the given numbers as far as a
    /// device reaches.
    func superblockWrites(_ superblock: Superblock, _ copies: Range<Int>) -> [DeviceWrite] {
        var writes: [DeviceWrite] = []
        for (_, member) in devices.writable {
            for (index, offset) in Superblock.offsets(within: member.deviceItem.totalBytes).enumerated()
            where copies.contains(index) {
                let bytes = superblock.sealed(copyAt: offset, device: member.deviceItem)
                writes.append(DeviceWrite(device: member.device, offset: offset, bytes: bytes))
            }
        }
        return writes
    }

    /// Whether the first superblock of some device is damaged, so that Linux would not mount the volume.
    public var hasDamagedSuperblock: Bool { devices.writable.contains { $0.member.damage != nil } }

    /// Writes all superblocks anew, from the one that was used to open the volume.
    ///
    /// - Throws: `VolumeError.refused` when a damaged superblock tells of a log that its copy does not know: the
    ///   log would be lost.
    public func repairSuperblocks() throws(VolumeError) {
        try checkWritable()
        for (_, member) in devices.writable where member.damage?.namesLog == true && superblock.logRoot.rawValue == 0 {
            throw .refused(
                "\(member.device.name): the damaged first superblock tells of a log that its copy does not know; "
                    + "restoring the copy would throw the log away. Keep the image, and use "
                    + "btrfs rescue super-recover only if the log may be lost")
        }
        try writeSuperblocks(superblock)
    }

    // MARK: What can be written

    /// Whether a chunk lies on a seed: what it holds can be given up, but nothing can be written there.
    func isOnSeed(_ chunk: Chunk) -> Bool { chunk.stripes.contains { devices.isSeed($0.deviceID) } }

    /// The chunks in which new blocks or data can lie.
    func writableChunks(of content: BlockGroupFlags) -> [MappedChunk] {
        chunks.chunks.filter {
            $0.chunk.type.contains(content) && $0.profile.isDisjoint(with: .parityMask) && !isOnSeed($0.chunk)
        }
    }

    /// Whether what is at `address` can be overwritten in place: not on a seed.
    ///
    /// The corresponding kernel function is `btrfs_extent_readonly`.
    package func isOverwritable(_ address: LogicalAddress) -> Bool {
        chunks.chunk(at: address).map { !isOnSeed($0.chunk) } ?? false
    }

    /// Why this volume cannot be changed, and what to do; nil when it can.
    func refusalToWrite() -> String? {
        if let refusal = superblock.incompat.refusal(for: .writing) ?? superblock.compatRO.refusal(for: .writing) {
            return refusal
        }
        if superblock.flags.contains(.seeding) {
            // Clearing the flag commits, and the log then belongs to no generation.
            return "the volume is a seed, which does not change, so its log cannot be replayed. Linux mounts it "
                + "with -o ro,rescue=nologreplay only; do not clear the flag with btrfstune, the log would be lost"
        }
        if !superblock.flags.intersection([.metadump, .metadumpV2]).isEmpty {
            return "this is a metadata dump of a volume (btrfs-image), not the volume"
        }
        let isParity = chunks.chunks.contains {
            $0.chunk.type.contains(.metadata) && !$0.profile.isDisjoint(with: .parityMask)
        }
        if isParity {
            return "metadata on RAID5 or RAID6 cannot be written: parity is not updated. Use Linux for this volume"
        }
        return nil
    }

    /// Finds out before the first write what a commit could stumble over in the middle of its writes.
    ///
    /// - Throws: `VolumeError.refused` when a device is missing, `.device` when one is read-only, `.damaged` when a
    ///   chunk for tree blocks reaches beyond the end of its device.
    func checkWritable() throws(VolumeError) {
        guard devices.isComplete else {
            throw .refused(
                "\(devices.members.count) of \(devices.expectedCount) devices were given; all are needed to write. "
                    + "Name them all; where one is gone for good, Linux replays when it mounts with -o degraded")
        }
        for (_, member) in devices.writable where member.device.isReadOnly {
            throw .device(DeviceError(device: member.device.name, operation: .write, reason: .readOnly))
        }
        for mapped in chunks.chunks where mapped.chunk.type.contains(.metadata) && !isOnSeed(mapped.chunk) {
            let length = ChunkMap.stripeByteCount(mapped.chunk)
            for stripe in mapped.chunk.stripes {
                let device = try devices.device(stripe.deviceID)
                guard stripe.physical <= device.byteCount, length <= device.byteCount - stripe.physical else {
                    throw .damaged(
                        "chunk at \(mapped.start): its stripe at \(stripe.physical) reaches beyond the end of "
                            + device.name)
                }
            }
        }
    }
}
