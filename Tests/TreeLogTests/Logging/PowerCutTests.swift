import BlockDevices
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Wherever the power goes during an fsync, the file is as it was before or as it was made durable.
@Suite struct PowerCutTests {
    /// Where the first superblock is.
    private let superblock: UInt64 = 64 << 10

    @Test(arguments: ["chmod_fsync", "mix_a.holes", "mix_a.raid1"]) func anFsyncIsDoneOrNot(image: String) throws {
        let devices = try MountedVolume(image).crash()
        let recording = Recording()
        let fs = try FileSystem(mounting: devices.map { RecordingDevice(base: $0, recording: recording) })
        try fs.makeDirectory("/dir")
        try fs.create("/dir/f")
        try fs.write("/dir/f", at: 0, [UInt8](repeating: 1, count: 20_000))
        try fs.sync()
        var states: [JSONValue] = [try MountedVolume.replayed(recording.end)]
        for round in UInt8(2)..<6 {
            let begin = recording.operations.count
            try fs.write("/dir/f", at: UInt64(round) * 3000, [UInt8](repeating: round, count: 9000))
            if round == 4 {
                try fs.rename("/dir/f", to: "/dir/g")
                try fs.link("/dir/g", to: "/dir/f")
            }
            let outcome = try fs.fsync("/dir/f")
            guard case .logged = outcome else {
                Issue.record("\(outcome)")
                return
            }
            states.append(try MountedVolume.replayed(recording.end))
            let operations = recording.operations[begin...]
            #expect(operations.filter(\.isFlush).count == 2 * devices.count)
            for count in begin...recording.operations.count {
                let open = recording.unflushedWrites(after: count)
                var points = ([[], Set(open)] + open.map({ [$0] })).map { CrashPoint(after: count, dropping: $0) }
                if recording.operations[count - 1].isWrite(at: superblock) {
                    points += (1..<8).map { CrashPoint(after: count, tornSectors: $0) }
                }
                for point in points {
                    let state = try MountedVolume.replayed(try recording.state(at: point))
                    let isOneOfThem = states.suffix(2).contains { expected in
                        StateComparison.compare(expected: expected, actual: state, masks: ["*:*:ctime"]).isEmpty
                    }
                    #expect(isOneOfThem, "round \(round), after \(count - begin), \(point)")
                }
            }
        }
    }

    /// A disk that tears within a sector leaves a superblock that nobody can read. Its copies know the last commit, and
    /// nothing may make them the ones that count where a log is lost with that.
    ///
    /// - Parameter written: what of the superblock is new: its checksum, or all but that with the place of the log.
    @Test(arguments: [0..<40, 40..<4096]) func aTornSuperblockDoesNotLoseTheLog(written: Range<Int>) throws {
        let device = MemoryDevice(byteCount: 128 << 20)
        try Volume.create(on: device)
        let recording = Recording()
        let fs = try FileSystem(mounting: [RecordingDevice(base: device, recording: recording)])
        try fs.create("/f")
        try fs.sync()
        let committed = try MountedVolume.replayed(recording.end)
        // Before the second fsync the superblock names a log as well.
        for round in 1...2 {
            let durable = recording.operations.count
            var torn = try recording.end[0].bytes(at: superblock, count: 4096)
            try fs.write("/f", at: 0, [UInt8](repeating: UInt8(round), count: 5000))
            guard case .logged = try fs.fsync("/f") else { throw Errno.inputOutput }
            let write = try #require(recording.operations[durable...].firstIndex { $0.isWrite(at: superblock) })
            let cut = try recording.state(at: CrashPoint(after: write))[0]
            torn[written] = try recording.end[0].bytes(at: superblock, count: 4096)[written]
            try cut.write(torn, at: superblock)
            let volume = try Volume(opening: [cut])
            #expect(volume.hasDamagedSuperblock)
            #expect(try MountedVolume.replayed([OverlayDevice(base: cut)]) == committed)
            if round == 2 || written.contains(96) {
                #expect(throws: VolumeError.self) { try volume.repairSuperblocks() }
            } else {
                try volume.repairSuperblocks()
                #expect(try !Volume(opening: [cut]).hasDamagedSuperblock)
            }
        }
    }

    /// Logs are written in turns to the same places, and do not grow with the number of fsyncs.
    @Test func logsStayInTheirPlaces() throws {
        let recording = Recording()
        let base = try MountedVolume("chmod_fsync").crash()[0]
        let fs = try FileSystem(mounting: [RecordingDevice(base: base, recording: recording)])
        try fs.create("/f")
        try fs.sync()
        let begin = recording.operations.count
        for round in 0..<20 {
            try fs.changeMode("/f", to: UInt32(round))
            guard case .logged = try fs.fsync("/f") else { throw Errno.inputOutput }
        }
        let nodeSize = UInt64(fs.volume.nodeSize)
        let blocks = Set(recording.operations[begin...].compactMap(\.offset).map { $0 / nodeSize })
        // A leaf of the log and one of the tree of logs, twice, in two turns; and the superblock.
        #expect(blocks.count == 9, "\(blocks.sorted())")
    }
}

extension Recording {
    /// The devices after all operations.
    fileprivate var end: [OverlayDevice] {
        get throws { try state(at: CrashPoint(after: operations.count)) }
    }
}

extension Recording.Operation {
    /// Where it writes; nil for a flush.
    fileprivate var offset: UInt64? {
        guard case .write(let offset, _) = action else { return nil }
        return offset
    }

    fileprivate func isWrite(at offset: UInt64) -> Bool { self.offset == offset }
}
