import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Random operations with fsyncs among them. When at the end everything was made durable one by one, a crash and a
/// replay give all of it.
@Suite(.serialized) struct RandomLogTests {
    /// A volume on which work was done, with everything synced at last.
    private func worked(_ seed: UInt64, steps: Int = 40) throws -> (MountedVolume, RandomWork) {
        let volume = try MountedVolume(seed % 3 == 0 ? "mix_a.holes" : "chmod_fsync")
        let fs = volume.fileSystem
        for name in ["/d", "/e", "/d/sub"] { _ = try? fs.makeDirectory(name) }
        var work = RandomWork(seed: seed)
        for _ in 0..<10 { work.step(on: fs) }
        try fs.sync()
        for _ in 0..<steps { work.step(on: fs) }
        try volume.fsyncAll()
        return (volume, work)
    }

    @Test(arguments: 0..<200) func aReplayGivesAllThatWasSynced(seed: UInt64) throws {
        let (volume, work) = try worked(seed)
        let actual = try volume.stateAfterCrash()
        // Which extents are shared the trees in memory tell after a commit only.
        try volume.fileSystem.sync()
        let differences = StateComparison.compare(
            expected: try volume.document(), actual: actual, masks: ["*:*:ctime"])
        #expect(differences.isEmpty, "seed \(seed)\n\(differences)\n\(work.trace.joined(separator: "\n"))")
    }

    /// Most fsyncs are logged, or the tests above would test nothing; and all kinds of reasons for commits come up.
    @Test func mostFsyncsAreLogged() throws {
        var logged = 0
        var commits: [FullCommitReason: Int] = [:]
        for seed in UInt64(0)..<40 {
            let volume = try MountedVolume()
            let fs = volume.fileSystem
            for name in ["/d", "/e", "/d/sub"] { _ = try? fs.makeDirectory(name) }
            try fs.sync()
            var work = RandomWork(seed: seed)
            for _ in 0..<60 { work.step(on: fs) }
            for outcome in try work.outcomes + volume.fsyncAll() {
                switch outcome {
                case .logged: logged += 1
                case .fullCommit(let reason): commits[reason, default: 0] += 1
                case .nothingToDo: break
                }
            }
        }
        let other = commits.values.reduce(0, +)
        #expect(logged > 2 * other, "\(logged) logged; \(commits)")
        #expect(commits[.failure] == nil)
    }

    /// After every step a crash leaves a volume that replays, and is in order.
    @Test(arguments: 100..<112) func everyStateReplays(seed: UInt64) throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        for name in ["/d", "/e", "/d/sub"] { _ = try? fs.makeDirectory(name) }
        try fs.sync()
        var work = RandomWork(seed: seed)
        for _ in 0..<60 {
            let before = work.outcomes.count
            work.step(on: fs)
            guard work.outcomes.count > before else { continue }
            let devices = volume.crash()
            do { _ = try MountedVolume.replayed(devices) } catch {
                Issue.record("seed \(seed): \(error)\n\(work.trace.joined(separator: "\n"))")
                return
            }
        }
        let devices = volume.crash()
        _ = try MountedVolume.replayed(devices)
        let folder = try TemporaryFolder()
        let verdict = try BtrfsCheck.run(images: try MountedVolume.write(devices, to: folder.file("image")))
        #expect(!verdict.hasErrors, "seed \(seed)\n\(verdict)\n\(work.trace.joined(separator: "\n"))")
    }

    /// Linux replays what was logged, first in user mode, to the same state.
    @Test(.enabled(if: KernelOracle.skipReason(.hostKernel, .btrfsCheck, .userModeLinux) == nil))
    func linuxReplaysTheSame() throws {
        let folder = try TemporaryFolder()
        var images: [(seed: UInt64, state: JSONValue, uml: [String], host: [String], trace: [String])] = []
        for seed in UInt64(200)..<212 {
            let (volume, work) = try worked(seed)
            let devices = volume.crash()
            guard try Volume(opening: devices).superblock.logRoot.rawValue != 0 else { continue }
            images.append(
                (
                    seed, try volume.stateAfterCrash(),
                    try MountedVolume.write(devices, to: folder.file("uml\(seed)")),
                    try MountedVolume.write(devices, to: folder.file("host\(seed)")), work.trace
                ))
        }
        #expect(images.count > 3)
        for image in images {
            let verdict = try BtrfsCheck.run(images: image.host)
            try #require(!verdict.hasErrors, "seed \(image.seed)\n\(verdict)")
        }
        let outcomes = try UserModeLinux.mount(volumes: images.map(\.uml))
        for (image, outcome) in zip(images, outcomes) {
            try #require(outcome.isMounted, "seed \(image.seed): \(outcome)\n\(image.trace.joined(separator: "\n"))")
        }
        for image in images {
            let state = try HostKernel.state(of: image.host, log: .replayedByKernel)
            let differences = StateComparison.compare(
                expected: image.state, actual: state, masks: ["*:*:ctime", "*:*:atime"])
            #expect(differences.isEmpty, "seed \(image.seed)\n\(differences)\n\(image.trace.joined(separator: "\n"))")
        }
    }
}
