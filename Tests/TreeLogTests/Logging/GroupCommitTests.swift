import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing

@testable import TreeLog

/// Many tasks that make files durable at once.
@Suite struct GroupCommitTests {
    /// Many tasks at once on a volume on a file: such a device serves many threads.
    private func work(on path: String) async throws {
        let fileSystem = SharedFileSystem(
            try FileSystem(mounting: [try FileDevice(path: path, access: .readWrite)]))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for round in 0..<12 {
                        let name = "/w\(writer)-\(round)"
                        try fileSystem.withFileSystem { (fs) throws(FileSystemError) in
                            _ = try fs.create(name)
                            try fs.write(name, at: 0, [UInt8](repeating: UInt8(round + 1), count: 5000))
                        }
                        _ = try await fileSystem.fsync(name)
                        if writer == 0, round == 6 { try await fileSystem.sync() }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func allWhoWaitAreServed() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try MountedVolume("chmod_fsync").crash()[0].writeImage(to: path)
        try await work(on: path)
        // Nothing was committed at the end: what is there is in the log.
        let copy = OverlayDevice(base: try FileDevice(path: path, access: .readOnly))
        let text = "\(try MountedVolume.replayed([copy]))"
        for writer in 0..<8 {
            for round in 0..<12 { #expect(text.contains("w\(writer)-\(round)\"")) }
        }
    }

    private let names = (0..<6).map { "/f\($0)" }

    /// A shared file system with six new files, and one in each of two subvolumes.
    private func makeStage() throws -> (Stage, start: Int) {
        let stage = try Stage { fs in for name in ["/sub", "/other"] { _ = try fs.createSubvolume(name) } }
        try stage.change { (fs) throws(FileSystemError) in
            for name in (0..<6).map({ "/f\($0)" }) + ["/sub/f", "/other/f"] { try fs.create(name) }
        }
        let start = stage.device.recording.operations.count
        stage.device.restart()
        return (stage, start)
    }

    private let aLog: [DeviceStep.Kind] = [.log, .flush, .superblock, .flush]
    private let aCommit: [DeviceStep.Kind] = [.block, .flush, .copy, .flush, .superblock, .flush]

    // MARK: Who is served by what

    /// While one log is on its way others come, from several subvolumes: the next one serves all of them.
    @Test func oneSuperblockServesAllWhoWait() throws {
        let (stage, start) = try makeStage()
        stage.device.at(.flush(1)) {
            for name in ["/f1", "/f2", "/sub/f", "/other/f"] { stage.fsync(name) }
            stage.run()
            #expect(stage.endings.isEmpty)
        }
        stage.fsync("/f0")
        stage.run()
        #expect(try stage.steps(since: start) == aLog + aLog)
        #expect(stage.isLogged("/f0"))
        #expect(["/f1", "/f2", "/sub/f", "/other/f"].allSatisfy(stage.isLogged))
        #expect(Set(stage.endings.map(\.value.operationCount)).count == 2)
        try stage.expectNothingIsLost(since: start)
    }

    /// What a log has that is on its way is not durable yet, also where an fsync of something else put it there. It is
    /// with that log, and needs no other one.
    @Test func whoIsInTheLogOnItsWayIsServedByIt() throws {
        let stage = try Stage { fs in _ = try fs.makeDirectory("/top") }
        let start = stage.device.recording.operations.count
        try stage.change { (fs) throws(FileSystemError) in _ = try fs.makeDirectory("/top/below") }
        for flush in 1...2 {
            stage.device.at(.flush(flush)) {
                stage.fsync("/top/below")
                stage.run()
                #expect(stage.endings.isEmpty)
            }
        }
        stage.fsync("/top")
        stage.run()
        #expect(try stage.steps(since: start) == aLog)
        #expect(stage.isLogged("/top") && stage.isLogged("/top/below"))
        stage.fsync("/top/below")
        stage.run()
        #expect(stage.outcome("/top/below") == .nothingToDo)
    }

    /// Where the last write served several tasks, the next one waits for those that come at the same time.
    @Test func whereManyComeTheyAreGathered() throws {
        let (stage, start) = try makeStage()
        stage.fsync("/sub/f")
        stage.run()
        for name in ["/f0", "/f1"] { stage.fsync(name) }
        stage.device.at(.flush(3)) {
            stage.fsync("/f2")
            stage.run()
        }
        stage.run()
        // One at a time was all that was known: the second came too late for the first log, and goes with the third.
        #expect(try stage.steps(since: start) == aLog + aLog + aLog)
        #expect(stage.endings["/f1"]?.operationCount == stage.endings["/f2"]?.operationCount)
        let second = stage.device.recording.operations.count
        for name in ["/f3", "/f4", "/f5"] { stage.fsync(name) }
        stage.run()
        #expect(try stage.steps(since: second) == aLog)
        #expect(names.allSatisfy(stage.isLogged))
    }

    // MARK: Logs that are filled while others are written

    /// Three logs one after the other, each filled while the one before is on its way, and the second grown after the
    /// first was durable: none is written over what may still count.
    @Test func aLogIsNotWrittenOverTheOneThatCounts() throws {
        let (stage, start) = try makeStage()
        stage.device.at(.flush(1)) {
            stage.fsync("/f1")
            stage.run()
        }
        // These come as soon as the first log is durable: into the second, with trees of their own.
        stage.device.at(.flush(2)) { for name in ["/sub/f", "/other/f"] { stage.fsync(name) } }
        stage.device.at(.flush(3)) {
            stage.fsync("/f2")
            stage.run()
        }
        stage.fsync("/f0")
        stage.run()
        #expect(try stage.steps(since: start) == aLog + aLog + aLog)
        #expect(stage.endings.count == 5)
        try stage.expectNothingIsLost(since: start)
    }

    /// Another task was about to write a log when somebody who has the file system to himself makes a file durable, one
    /// that is in that log or another one: the log comes first, and is not written again after the one that has more,
    /// which there is only where it is needed.
    @Test(arguments: ["/sub/one", "/two"]) func logsAreWrittenInTheirOrder(name: String) throws {
        let (device, fs, publication) = try makeLogOnItsWay()
        try fs.create("/two")
        let start = device.recording.operations.count
        guard case .logged = try fs.fsync(name) else { throw Errno.inputOutput }
        let count = device.recording.operations.count
        let flushCount = device.recording.operations.dropFirst(start).count(where: \.isFlush)
        #expect(flushCount == (name == "/two" ? 4 : 2))
        #expect(fs.log.gate.perform(publication) == nil)
        try fs.log.finish(publication, nil)
        #expect(device.recording.operations.count == count)
        for cut in 0...count {
            let crashed = try FileSystem(mountingCut: try device.recording.state(at: CrashPoint(after: cut)))
            #expect(try cut < count || crashed.exists("/sub/one") && crashed.exists(name))
        }
        for durable in ["/sub/one", name] { #expect(try fs.fsync(durable) == .nothingToDo) }
    }

    /// The other task has failed to write it, and nobody knows that yet: nothing of it is taken for durable.
    @Test func aLogThatFailedIsNotGoneOnWith() throws {
        let (device, fs, publication) = try makeLogOnItsWay()
        try fs.create("/two")
        device.restart()
        device.fail(at: .write(afterFlush: 0), staysBroken: false)
        let failure = try #require(fs.log.gate.perform(publication))
        #expect(try fs.fsync("/two") == .fullCommit(.failure))
        try fs.log.finish(publication, failure)
        #expect(try fs.fsync("/sub/one") == .nothingToDo)
    }

    /// A file that a log has that another task is about to write. The log has a tree that the next one leaves as it is.
    private func makeLogOnItsWay() throws -> (StagedDevice, FileSystem, LogPublication) {
        let device = StagedDevice(try MountedVolume().crash()[0])
        let fs = try FileSystem(mounting: [device])
        _ = try fs.createSubvolume("/sub")
        try fs.sync()
        try fs.create("/sub/one")
        try fs.log.prepare(try fs.stateForSync(Array("/sub/one".utf8)))
        return (device, fs, try fs.log.makePublication())
    }

    /// A commit that comes between the making of a log and its writing has all of it.
    @Test func aLogThatWasOvertakenIsNotWritten() throws {
        let (device, fs, publication) = try makeLogOnItsWay()
        try fs.sync()
        let count = device.recording.operations.count
        #expect(fs.log.gate.perform(publication) == nil)
        // What went wrong after that does not matter for what is durable.
        fs.abortReason = Errno.inputOutput
        try fs.log.finish(publication, nil)
        #expect(device.recording.operations.count == count)
        #expect(fs.volume.superblock.logRoot.rawValue == 0)
    }

    /// A commit that fails keeps it from being written, too; then it is not durable. Nor is any log written after that.
    @Test func aLogThatAFailedCommitOvertookIsNotDurable() throws {
        let (device, fs, publication) = try makeLogOnItsWay()
        device.restart()
        device.fail(at: .write(afterFlush: 0), staysBroken: false)
        #expect(throws: FileSystemError.self) { try fs.sync() }
        let count = device.recording.operations.count
        #expect(fs.log.gate.perform(publication) == nil)
        #expect(throws: FullCommitReason.failure) { try fs.log.finish(publication, nil) }
        #expect(throws: FullCommitReason.failure) { try fs.log.makePublication() }
        #expect(device.recording.operations.count == count)
    }

    /// A new chunk is known to nobody before the commit: whoever waits for a log gets that.
    @Test func aChunkThatComesInBetween() throws {
        let (stage, start) = try makeStage()
        stage.device.at(.flush(1)) {
            stage.fsync("/f1")
            stage.run()
        }
        stage.device.at(.flush(2)) {
            stage.start("allocation") {
                try stage.fileSystem.withFileSystem { (fs) throws(FileSystemError) in
                    try fs.allocate("/f5", at: 0, count: 20 << 20)
                }
                return .nothingToDo
            }
        }
        stage.fsync("/f0")
        stage.run()
        #expect(stage.endings["allocation"] != nil)
        #expect(stage.outcome("/f1") == .fullCommit(.newChunk))
        #expect(try stage.steps(since: start) == aLog + aCommit)
    }

    // MARK: Commits

    /// A commit that somebody asks for serves all who wait for a log.
    @Test func aRequestedCommitServesAllWhoWait() throws {
        let (stage, start) = try makeStage()
        stage.device.at(.flush(1)) {
            stage.fsync("/f1")
            stage.sync()
            stage.fsync("/f2")
            stage.run()
        }
        stage.fsync("/f0")
        stage.run()
        #expect(try stage.steps(since: start) == aLog + aCommit)
        #expect(stage.isLogged("/f0"))
        for name in ["/f1", "/f2"] { #expect(stage.outcome(name) == .fullCommit(.requested)) }
        #expect(stage.endings["sync"] != nil)
        try stage.expectNothingIsLost(since: start)
    }

    /// Where there was nothing to commit, it is none, and the next fsync needs none.
    @Test func aCommitOfNothing() throws {
        let stage = try Stage()
        let start = stage.device.recording.operations.count
        stage.sync()
        stage.run()
        #expect(stage.endings["sync"] != nil)
        #expect(try stage.steps(since: start) == [])
        try stage.change { (fs) throws(FileSystemError) in try fs.create("/f") }
        stage.fsync("/f")
        stage.run()
        #expect(stage.isLogged("/f"))
    }

    /// So does one that comes before the log that they wait for, and then nothing is left to be written.
    @Test func aCommitInBetweenLeavesNothingToWrite() throws {
        let (stage, start) = try makeStage()
        stage.device.at(.flush(1)) {
            stage.fsync("/f1")
            stage.run()
        }
        stage.device.at(.flush(2)) {
            stage.start("commit") {
                try stage.fileSystem.withFileSystem { (fs) throws(FileSystemError) in try fs.sync() }
                return .nothingToDo
            }
        }
        stage.fsync("/f0")
        stage.run()
        #expect(try stage.steps(since: start) == aLog + aCommit)
        #expect(stage.outcome("/f1") == .fullCommit(.requested))
        #expect(stage.endings["commit"] != nil)
    }

    /// Where one of those who wait needs a commit, it serves all, and nobody goes on with the log that it has spoilt.
    @Test func whoCannotBeLoggedTakesTheOthersAlong() throws {
        let stage = try Stage { fs in _ = try fs.create("/moves") }
        let start = stage.device.recording.operations.count
        try stage.change { (fs) throws(FileSystemError) in
            for name in ["/f0", "/f1", "/f2"] { try fs.create(name) }
            _ = try fs.makeDirectory("/dir")
            try fs.rename("/moves", to: "/dir/moves")
        }
        stage.device.at(.flush(1)) {
            for name in ["/f1", "/dir/moves", "/f2"] { stage.fsync(name) }
            stage.start("alone") {
                try stage.fileSystem.withFileSystem { (fs) throws(FileSystemError) in
                    try fs.create("/alone")
                    return .nothingToDo
                }
            }
            stage.run()
        }
        stage.fsync("/f0")
        stage.run()
        #expect(try stage.steps(since: start) == aLog + aCommit)
        #expect(stage.isLogged("/f0"))
        for name in ["/f1", "/dir/moves", "/f2"] { #expect(stage.outcome(name) == .fullCommit(.movedFile)) }
        #expect(stage.endings["alone"] != nil)
    }

    // MARK: Failures

    /// A log for `/f0` is durable; of the next one, for which several tasks wait, a write or one of the two flushes
    /// fails: once, or from then on.
    @Test(arguments: [StagedDevice.Moment.write(afterFlush: 2), .flush(3), .flush(4)], [true, false])
    func allWhoWaitLearnThatALogFailed(_ moment: StagedDevice.Moment, staysBroken: Bool) throws {
        let (stage, start) = try makeStage()
        stage.device.fail(at: moment, staysBroken: staysBroken)
        // Half of them come while the first log is on its way, and half with the next one.
        stage.device.at(.flush(1)) {
            for name in ["/f1", "/f2"] { stage.fsync(name) }
            stage.run()
        }
        stage.device.at(moment == .flush(4) ? .flush(3) : moment) {
            for name in ["/f3", "/f4"] { stage.fsync(name) }
            stage.run()
        }
        stage.fsync("/f0")
        stage.run()
        #expect(stage.isLogged("/f0"))
        if staysBroken {
            // Who was in the write that failed is told so; who comes later finds a file system that takes no changes.
            #expect(["/f1", "/f2"].map(stage.error) == [.inputOutput, .inputOutput])
            for name in ["/f5"] { stage.fsync(name) }
            stage.sync()
            stage.run()
            for name in ["/f3", "/f4", "/f5", "sync"] { #expect([.readOnly, .inputOutput].contains(stage.error(name)), "\(name)") }
        } else {
            // A commit has made them durable.
            #expect(["/f1", "/f2"].map(stage.outcome) == [.fullCommit(.failure), .fullCommit(.failure)])
            for name in ["/f3", "/f4"] { #expect(stage.outcome(name) != nil) }
        }
        try stage.expectNothingIsLost(since: start)
    }
}
