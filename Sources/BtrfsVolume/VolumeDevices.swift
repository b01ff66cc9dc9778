internal import BlockDevices
internal import BtrfsFormat

/// The devices of one volume by their number, and which superblock is the valid one.
struct VolumeDevices {
    struct Member {
        var device: any BlockDevice
        var deviceItem: DeviceItem
        /// What is wrong with the first superblock, so that a copy had to serve; nil when nothing is.
        var damage: SuperblockDamage?
        /// The volume that the device was before this one grew out of it; nil for devices of this one alone.
        var seed: Seed?
    }

    /// A volume that does not change any more, out of which others grow. Its devices are part of them, for reading.
    struct Seed {
        var fsid: UUID
        var metadataUUID: UUID
        var generation: Generation

        init(_ superblock: Superblock) {
            fsid = superblock.fsid
            metadataUUID = superblock.metadataUUID
            generation = superblock.generation
        }
    }

    private(set) var members: [UInt64: Member] = [:]
    private(set) var warnings: [String] = []
    /// How many devices the superblock says there are.
    private(set) var expectedCount = 0

    func device(_ id: UInt64) throws(VolumeError) -> any BlockDevice {
        guard let member = members[id] else {
            throw .unsupported(
                "device \(id) of the volume is not among those given (\(members.count) of \(expectedCount)); "
                    + "name all devices of the volume")
        }
        return member.device
    }

    /// Counts more bytes of a device as those of chunks.
    mutating func count(_ bytes: UInt64, of id: UInt64) { members[id]?.deviceItem.bytesUsed &+= bytes }

    var isComplete: Bool { members.count == expectedCount }
    var sorted: [(id: UInt64, member: Member)] { members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    /// Those that are written: all but seeds.
    var writable: [(id: UInt64, member: Member)] { sorted.filter { $0.member.seed == nil } }
    func isSeed(_ id: UInt64) -> Bool { members[id]?.seed != nil }
    /// Whether a seed of the volume has this UUID in the headers of its blocks.
    func hasSeed(_ metadataUUID: UUID) -> Bool { members.values.contains { $0.seed?.metadataUUID == metadataUUID } }

    /// Reads the superblocks of all devices and finds the newest; of several with its generation that of the device
    /// with the lowest number, as in the kernel: a power cut may come when a log is not yet named in all of them.
    ///
    /// As in the kernel the copy at 64 KiB decides. Only where that one is damaged (a torn write) does the newest
    /// of the other copies serve; replaying writes them before the first one, so that one is then whole.
    static func scan(_ devices: [any BlockDevice]) throws(VolumeError) -> (VolumeDevices, Superblock) {
        var table = VolumeDevices()
        var found: [(device: any BlockDevice, superblock: Superblock, damage: SuperblockDamage?)] = []
        for device in devices {
            let (superblock, damage) = try readSuperblock(of: device)
            if let damage {
                // A write of the log leaves the copies as they are.
                let log = superblock.logRoot.rawValue == 0 ? ", which does not tell whether there was a log" : ""
                table.warnings.append(
                    "\(device.name): the first superblock is damaged (\(damage.reason)); a copy of generation "
                        + "\(superblock.generation) was used\(log)")
            }
            found.append((device, superblock, damage))
        }
        guard var newest = found.first?.superblock else { throw .unsupported("no device was given") }
        for (_, superblock, _) in found where counts(superblock, before: newest) { newest = superblock }
        for (device, superblock, damage) in found {
            let isSeed = superblock.fsid != newest.fsid
            guard !isSeed || superblock.flags.contains(.seeding) else {
                throw .unsupported(
                    "\(device.name) belongs to file system \(superblock.fsid), not to \(newest.fsid); "
                        + "name the devices of one volume")
            }
            let item = superblock.deviceItem
            if table.members[item.deviceID] != nil {
                throw .unsupported("\(device.name): device \(item.deviceID) of the volume was given twice")
            }
            try check(item, of: device)
            table.members[item.deviceID] = Member(
                device: device, deviceItem: item, damage: damage, seed: isSeed ? Seed(superblock) : nil)
        }
        table.expectedCount = Int(clamping: newest.deviceCount)
        return (table, newest)
    }

    private static func check(_ item: DeviceItem, of device: any BlockDevice) throws(VolumeError) {
        guard item.totalBytes <= device.byteCount else {
            throw .damaged(
                "\(device.name) has \(device.byteCount) bytes, but the file system uses \(item.totalBytes); "
                    + "the image is cut short")
        }
        guard item.totalBytes >= Superblock.offsets[0] + UInt64(Superblock.byteCount) else {
            throw .damaged("\(device.name): its device item says that it has \(item.totalBytes) bytes")
        }
    }

    /// Sees that each seed is the one which the volume names under its number.
    ///
    /// - Parameter items: the device items of the chunk tree.
    func checkSeeds(_ items: [DeviceItem]) throws(VolumeError) {
        for (id, member) in sorted {
            guard let seed = member.seed else { continue }
            let uuid = member.deviceItem.uuid
            guard items.contains(where: { $0.deviceID == id && $0.fsid == seed.fsid && $0.uuid == uuid }) else {
                throw .unsupported(
                    "\(member.device.name) is of the seed \(seed.fsid), out of which this volume did not grow; "
                        + "name the devices of one volume")
            }
        }
    }

    private static func counts(_ one: Superblock, before other: Superblock) -> Bool {
        // A seed only has what it had when it became one, whatever grew out of it.
        let isSeed = one.flags.contains(.seeding)
        guard isSeed == other.flags.contains(.seeding) else { return !isSeed }
        guard one.generation == other.generation else { return one.generation > other.generation }
        return one.deviceItem.deviceID < other.deviceItem.deviceID
    }

    private static func readSuperblock(
        of device: any BlockDevice
    ) throws(VolumeError) -> (Superblock, damage: SuperblockDamage?) {
        var reason: String?
        var best: Superblock?
        for offset in Superblock.offsets(within: device.byteCount) {
            do {
                let superblock = try read(at: offset, of: device)
                if reason == nil { return (superblock, nil) }
                if best.map({ $0.generation < superblock.generation }) ?? true { best = superblock }
            } catch {
                reason = reason ?? "\(error)"
            }
        }
        let why = reason ?? "too small for a btrfs file system"
        guard let best else { throw .damaged("\(device.name): \(why)") }
        return (best, SuperblockDamage(reason: why, namesLog: try namesLog(device, copy: best)))
    }

    /// Whether the first superblock, damaged as it is, still tells of a log that its copy does not know: only the
    /// first one is written when a log is.
    private static func namesLog(_ device: any BlockDevice, copy: Superblock) throws(VolumeError) -> Bool {
        let bytes = try readBytes(at: Superblock.offsets[0], of: device)
        guard let damaged = try? Superblock(unverified: bytes.bytes) else { return false }
        return damaged.fsid == copy.fsid && damaged.generation == copy.generation
            && damaged.logRoot.rawValue != 0
    }

    private static func readBytes(at offset: UInt64, of device: any BlockDevice) throws(VolumeError) -> BlockBuffer {
        let buffer = BlockBuffer(count: Superblock.byteCount)
        do {
            try buffer.change { (span: inout MutableRawSpan) throws(DeviceError) in
                try device.read(into: &span, at: offset)
            }
        } catch { throw .device(error) }
        return buffer
    }

    private static func read(at offset: UInt64, of device: any BlockDevice) throws(VolumeError) -> Superblock {
        let buffer = try readBytes(at: offset, of: device)
        do { return try Superblock(buffer.bytes, copyAt: offset) } catch { throw .format(error) }
    }
}

/// What is wrong with the first superblock of a device.
struct SuperblockDamage {
    var reason: String
    /// Whether it seems to name a log of the same generation as the copy, which does not.
    var namesLog: Bool
}
