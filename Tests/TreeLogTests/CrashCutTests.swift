import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Whenever the power goes during a replay: the volume has its log and replays to the same state, or it is replayed.
@Suite struct CrashCutTests {
    /// One image of each kind of volume.
    static let images: [CorpusImage] = Corpus.images.filter { image in
        image.kind == .variant || ["snapshot_shared_tree_blocks", "five_subvolumes_deletes"].contains(image.name)
    }

    /// No write of any replay touches a committed block, a block of the log, data of either, or what is kept free
    /// around superblocks. So up to the first superblock write any subset of the writes leaves the volume as it was.
    @Test(arguments: Corpus.all)
    func nothingInUseIsEverWritten(image: CorpusImage) throws {
        let replay = try RecordedReplay(image)
        #expect(replay.used.problems.isEmpty, "\(replay.used.problems)")
        #expect(!replay.recording.operations.isEmpty)
        #expect(replay.harm.isEmpty, "\(replay.harm.prefix(5))")
        // The seed of a grown volume is not written.
        try expectOrder(of: replay, onDevices: replay.before.count - (image.kind == .grown ? 1 : 0))
    }

    /// All blocks, a flush of each device, the superblock copies, a flush of each, the first superblocks, a flush.
    private func expectOrder(of replay: RecordedReplay, onDevices count: Int) throws {
        let operations = replay.recording.operations
        let first = try #require(replay.superblockWrites.first)
        let flushes = operations[..<first].suffix(count)
        #expect(flushes.allSatisfy(\.isFlush) && Set(flushes.map(\.device)).count == count)
        #expect(operations[..<(first - count)].allSatisfy { !$0.isFlush })
        #expect(operations.suffix(count).allSatisfy { $0.isFlush })
        var isFirstOne = false
        for index in replay.superblockWrites {
            guard case .write(let offset, _) = operations[index].action else { continue }
            if offset == Superblock.offsets[0], !isFirstOne {
                isFirstOne = true
                // The copies are durable before the first of the first superblocks is written.
                let pending = replay.recording.unflushedWrites(after: index)
                #expect(pending.isEmpty, "\(pending)")
            }
            #expect((offset == Superblock.offsets[0]) == isFirstOne)
        }
    }

    /// What a cut left, as far as it can be told apart once superblocks are written.
    private struct Outcome: Hashable {
        var superblocks: [[UInt8]]
        /// None, as long as they are flushed before.
        var lostBlocks: Set<Int>
    }

    /// Every cut after a superblock write began, with every loss and torn at every sector: all states that can be told
    /// apart are replayed and compared. Of the cuts before, some are; for the others the test above speaks.
    @Test(arguments: images)
    func everyCutLeavesTheOldOrTheNewState(image: CorpusImage) throws {
        let replay = try RecordedReplay(image)
        let points = CrashPoints(recording: replay.recording, deviceCount: replay.before.count)
        let first = try #require(replay.superblockWrites.first)
        var judged: Set<Outcome> = []
        for count in first...replay.recording.operations.count {
            for point in points.points(after: count) {
                let devices = try replay.recording.state(at: point)
                let outcome = Outcome(
                    superblocks: try replay.superblocks(of: devices), lostBlocks: point.dropped.filter { $0 < first })
                guard judged.insert(outcome).inserted else { continue }
                let problem = try replay.problem(with: devices)
                #expect(problem == nil, "\(point): \(problem ?? "")")
            }
        }
        // The old state, the new one, and some between.
        #expect(judged.count > 3)
        for count in [1, first / 2, first - replay.before.count, first - 1] where count > 0 {
            for point in points.points(after: count).suffix(2) {
                let problem = try replay.problem(with: try replay.recording.state(at: point))
                #expect(problem == nil, "\(point): \(problem ?? "")")
            }
        }
    }

    /// Before the first superblock write all that is in use has its bytes, whatever was lost or torn.
    @Test(arguments: ["mix_a.default", "mix_a.n4096", "mix_a.raid10", "mix_a.mixed"])
    func cutsBeforeTheSuperblocksLeaveAllBytes(name: String) throws {
        let replay = try RecordedReplay(try Corpus.image(named: name))
        let points = CrashPoints(recording: replay.recording, deviceCount: replay.before.count)
        let first = try #require(replay.superblockWrites.first)
        let old = try replay.superblocks(of: replay.before.map { OverlayDevice(base: $0) })
        for count in 0...first - 1 {
            for point in points.points(after: count) where point.tornSectors ?? 1 <= 1 {
                let devices = try replay.recording.state(at: point)
                #expect(try replay.superblocks(of: devices) == old)
                #expect(try replay.used.isIntact(on: devices, comparedWith: replay.before), "\(point)")
            }
        }
    }

    // MARK: Devices that break

    /// The n-th operation of one device fails, and nothing of it works from then on: the commit throws, and the volume
    /// is the old one or the new one.
    @Test(arguments: ["mix_a.default", "mix_a.raid1", "mix_a.raid0", "mix_a.raid10", "mix_a.two-dev-single"])
    func everyFailureLeavesTheOldOrTheNewState(name: String) throws {
        let replay = try RecordedReplay(try Corpus.image(named: name))
        var judged: Set<[[UInt8]]> = []
        for broken in replay.before.indices {
            let own = replay.recording.operations.filter { $0.device == broken }
            let firstSuperblock = own.firstIndex { operation in
                guard case .write(let offset, _) = operation.action else { return false }
                return Superblock.offsets.contains(offset)
            }
            let start = try #require(firstSuperblock)
            for failing in 1...own.count {
                let isBlock = failing < start
                if isBlock, failing > 2, failing < start - 1, failing % 7 != 0 { continue }
                for fault in isBlock ? [FaultyDevice.Fault.fail] : [.fail, .tear(sectors: 1), .tear(sectors: 5)] {
                    let devices = try state(of: replay, broken, failing, fault)
                    guard judged.insert(try replay.superblocks(of: devices)).inserted else { continue }
                    let problem = try replay.problem(with: devices)
                    #expect(problem == nil, "device \(broken), operation \(failing), \(fault): \(problem ?? "")")
                }
            }
        }
    }

    private func state(
        of replay: RecordedReplay, _ broken: Int, _ failing: Int, _ fault: FaultyDevice.Fault
    ) throws -> [OverlayDevice] {
        let overlays = replay.before.map { OverlayDevice(base: $0) }
        let devices = overlays.enumerated().map { index, device in
            FaultyDevice(base: device, failing: index == broken ? failing : .max, fault: fault)
        }
        let volume = try Volume(opening: devices)
        let (transaction, _) = try Replayer(volume, options: ReplayOptions(now: Replays.now)).run()
        #expect(throws: VolumeError.self) { try transaction.commit() }
        return overlays
    }
}
