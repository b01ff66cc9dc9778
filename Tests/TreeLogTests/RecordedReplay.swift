import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import TreeLog

/// A replay whose writes and flushes were recorded, and what the volume used before it.
struct RecordedReplay {
    let image: CorpusImage
    let before: [MemoryDevice]
    let recording: Recording
    let used: UsedSpace

    init(_ image: CorpusImage) throws {
        self.image = image
        before = try image.load()
        used = try UsedSpace(of: Volume(opening: before))
        let recording = Recording()
        try Replays.replay(before.map { RecordingDevice(base: $0, recording: recording) })
        self.recording = recording
    }

    /// One line for each write that touches what the volume still needs.
    var harm: [String] {
        recording.operations.compactMap { operation in
            guard case .write(let offset, let bytes) = operation.action else { return nil }
            return used.harm(of: offset..<offset + UInt64(bytes.count), device: operation.device)
        }
    }

    /// The operations that write a superblock.
    var superblockWrites: [Int] {
        recording.operations.indices.filter { index in
            guard case .write(let offset, _) = recording.operations[index].action else { return false }
            return Superblock.offsets.contains(offset)
        }
    }

    // MARK: States after a cut

    /// All superblocks and copies of all devices: two states with the same ones are one for whoever opens the volume,
    /// as long as the new blocks were flushed before.
    func superblocks(of devices: [OverlayDevice]) throws -> [[UInt8]] {
        try devices.flatMap { device in
            try Superblock.offsets(within: device.byteCount)
                .map { try device.bytes(at: $0, count: Superblock.byteCount) }
        }
    }

    /// What is wrong with a state: nothing, if the volume has its log and replays to the expected state, or is
    /// replayed already. A damaged first superblock is repaired before.
    func problem(with devices: [OverlayDevice]) throws -> String? {
        do {
            var volume = try Volume(opening: devices)
            if volume.hasDamagedSuperblock {
                try volume.repairSuperblocks()
                volume = try Volume(opening: devices)
                if volume.hasDamagedSuperblock { return "the repair did not help" }
            }
            if volume.superblock.logRoot.rawValue != 0 { try Replays.replay(devices) }
            let state = try Replays.state(of: VolumeFiles(try Volume(opening: devices)))
            let differences = try image.differences(from: state)
            return differences.isEmpty ? nil : "\(differences)"
        } catch {
            return "\(error)"
        }
    }
}

/// The crash points of a recording that are looked at.
struct CrashPoints {
    let recording: Recording
    let deviceCount: Int

    /// The subsets of unflushed writes that may be lost after `count` operations: none, all, each single one, all but
    /// each single one, all but the last ones (the order was reversed), and all of one device.
    func losses(after count: Int) -> [Set<Int>] {
        let open = recording.unflushedWrites(after: count)
        let all = Set(open)
        var losses: Set<Set<Int>> = [[], all]
        // Of many writes the ends and some between them.
        let chosen = open.count <= 12 ? open : stride(from: 0, to: open.count, by: open.count / 8).map { open[$0] }
        for index in chosen {
            losses.insert([index])
            losses.insert(all.subtracting([index]))
            losses.insert(Set(open.prefix { $0 < index }))
        }
        for device in 0..<deviceCount {
            let own = all.filter { recording.operations[$0].device == device }
            losses.insert(own)
            losses.insert(all.subtracting(own))
        }
        return losses.sorted { ($0.count, $0.min() ?? 0) < ($1.count, $1.min() ?? 0) }
    }

    /// All points after operation number `index`: with each loss, and torn at each sector.
    func points(after count: Int) -> [CrashPoint] {
        var points = losses(after: count).map { CrashPoint(after: count, dropping: $0) }
        guard count > 0, case .write(_, let bytes) = recording.operations[count - 1].action else { return points }
        let others = Set(recording.unflushedWrites(after: count)).subtracting([count - 1])
        for sectors in 0..<bytes.count / CrashPoint.sectorSize {
            points.append(CrashPoint(after: count, tornSectors: sectors))
            points.append(CrashPoint(after: count, dropping: others, tornSectors: sectors))
        }
        return points
    }
}
