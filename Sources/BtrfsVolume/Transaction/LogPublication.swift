internal import BlockDevices
package import BtrfsFormat

/// All that has to be done on the devices so that a state of the logs becomes the one that counts.
///
/// It is put together while nobody else uses the volume, and can then be done while others go on. Devices that serve
/// many threads take part in that; for the others the caller has to keep everybody away.
package struct LogPublication: @unchecked Sendable {
    /// The generation of the logs.
    package let generation: Generation
    /// The number of this state of the logs, counted up from one to the next.
    package let number: UInt64
    /// Whether others may use the volume meanwhile.
    package let servesManyThreads: Bool
    /// How many bytes of blocks are written, each counted once, however many copies there are.
    package let byteCount: UInt64
    private let devices: [any BlockDevice]
    private var blocks: [DeviceWrite] = []
    private let superblocks: [DeviceWrite]
    fileprivate let superblock: Superblock

    /// - Throws: `VolumeError.damaged` when no chunk holds one of the blocks.
    package init(
        of logs: [BlockWrite], root: LogicalAddress, level: Int, number: UInt64, on volume: Volume
    ) throws(VolumeError) {
        generation = volume.superblock.generation + 1
        self.number = number
        servesManyThreads = volume.servesManyThreads
        byteCount = logs.reduce(0) { $0 + UInt64($1.bytes.count) }
        devices = volume.devices.writable.map { $0.member.device }
        var new = volume.superblock
        new.logRoot = root
        new.logRootLevel = UInt8(level)
        superblock = new
        // The copies stay as they are: they would hide from a mount that the first superblock was torn.
        superblocks = volume.superblockWrites(new, 0..<1)
        for block in logs { try add(block, on: volume) }
    }

    private mutating func add(_ block: BlockWrite, on volume: Volume) throws(VolumeError) {
        let count = block.bytes.count
        try volume.chunks.forEachPlace(of: block.address, count: count) { (place, part) throws(VolumeError) in
            let device = try volume.devices.device(place.deviceID)
            blocks.append(DeviceWrite(device: device, offset: place.offset, bytes: Array(block.bytes[part])))
        }
    }

    /// Writes the blocks; flushes, which makes the data durable too that was written before; writes the first
    /// superblock of every device, and flushes.
    ///
    /// The corresponding kernel function is the last part of `btrfs_sync_log`.
    package func perform() throws(VolumeError) {
        do throws(DeviceError) {
            for block in blocks { try block.perform() }
            for device in devices { try device.flush() }
            for superblock in superblocks { try superblock.perform() }
            for device in devices { try device.flush() }
        } catch { throw .device(error) }
    }
}

extension Volume {
    /// Notes that the logs are on the devices.
    package func adopt(_ publication: LogPublication) {
        if superblock.generation + 1 == publication.generation { superblock = publication.superblock }
    }
}
