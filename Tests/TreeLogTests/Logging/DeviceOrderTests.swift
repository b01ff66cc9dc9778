import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// What an fsync and a commit write, in which order, and what is left where one of their steps fails.
@Suite struct DeviceOrderTests {
    /// A volume with a file, all of it committed. What its devices do is recorded from the mount on.
    private struct Scene {
        let recording = Recording()
        let devices: [StagedDevice]
        let fs: FileSystem

        init(_ image: String = "chmod_fsync") throws {
            let prepared = try MountedVolume(image)
            try prepared.fileSystem.create("/f")
            try prepared.fileSystem.write("/f", at: 0, Scene.content(1))
            try prepared.fileSystem.unmount()
            let recording = recording
            devices = prepared.devices.map { StagedDevice($0, recording: recording) }
            fs = try FileSystem(mounting: devices)
        }

        static func content(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 20_000) }

        func overwrite(_ byte: UInt8) throws { try fs.write("/f", at: 0, Scene.content(byte)) }

        /// All that was done since an operation.
        func steps(since start: Int) -> [DeviceStep] {
            DeviceStep.steps(recording.operations, since: start, nodeSize: Int(fs.volume.nodeSize))
        }

        /// The superblocks that were written since an operation.
        func superblocks(since start: Int) throws -> [Superblock] {
            try recording.operations[start...].compactMap { operation in
                guard case .write(let offset, let bytes) = operation.action, Superblock.offsets.contains(offset) else { return nil }
                return try Superblock(bytes.rawSpan, copyAt: offset)
            }
        }

        /// What a mount finds in the file wherever the power goes from an operation on, with all, none or one of the
        /// writes lost that may be.
        func contentsAfterCuts(from start: Int) throws -> [[UInt8]] {
            var contents: Set<[UInt8]> = []
            for count in start...recording.operations.count {
                let open = recording.unflushedWrites(after: count)
                for dropped in [[], Set(open)] + open.map({ [$0] }) {
                    let cut = try recording.state(at: CrashPoint(after: count, dropping: dropped))
                    contents.insert(try FileSystem(mountingCut: cut).read("/f"))
                }
            }
            return contents.sorted { $0[0] < $1[0] }
        }
    }

    private static let images = ["chmod_fsync", "mix_a.raid1", "mix_a.two-dev-single"]

    /// The only device that fails, or the second of two.
    private static let failing = [("chmod_fsync", 0), ("mix_a.raid1", 1)]

    /// Data, the blocks of the log, a flush; then the first superblocks, and a flush. The copies of the superblock stay.
    @Test(arguments: images) func anFsync(image: String) throws {
        let scene = try Scene(image)
        let all = Array(scene.devices.indices)
        let committed = scene.fs.volume.superblock
        for round in UInt8(2)...3 {
            let start = scene.recording.operations.count
            try scene.overwrite(round)
            guard case .logged = try scene.fs.fsync("/f") else { throw Errno.inputOutput }
            let steps = scene.steps(since: start)
            #expect(steps.map(\.kind) == [.data, .log, .flush, .superblock, .flush])
            for step in steps.suffix(3) { #expect(step.devices == all) }
            let superblocks = try scene.superblocks(since: start)
            #expect(superblocks.allSatisfy { $0.logRoot.rawValue != 0 && $0.generation == committed.generation })
            #expect(superblocks.allSatisfy { $0.root == committed.root })
            #expect(superblocks.allSatisfy { $0.logRoot == scene.fs.volume.superblock.logRoot })
        }
    }

    /// The new blocks, a flush; the copies of the superblock, a flush; then the first superblocks, and a flush. No
    /// superblock knows a log then.
    @Test(arguments: images) func aCommitAfterAnFsync(image: String) throws {
        let scene = try Scene(image)
        let all = Array(scene.devices.indices)
        try scene.overwrite(2)
        _ = try scene.fs.fsync("/f")
        let generation = scene.fs.volume.superblock.generation
        let start = scene.recording.operations.count
        try scene.fs.sync()
        let steps = scene.steps(since: start)
        #expect(steps.map(\.kind) == [.block, .flush, .copy, .flush, .superblock, .flush])
        for step in steps.dropFirst() { #expect(step.devices == all) }
        let superblocks = try scene.superblocks(since: start)
        #expect(superblocks.allSatisfy { $0.logRoot.rawValue == 0 && $0.logRootLevel == 0 && $0.generation == generation + 1 })
        #expect(try scene.contentsAfterCuts(from: start) == [Scene.content(2)])
    }

    /// One step of an fsync fails. Where it was only that, a commit takes its place; else the file is as it was made
    /// durable before, or new.
    @Test(
        arguments: [StagedDevice.Moment.write(afterFlush: 0), .flush(1), .write(afterFlush: 1), .flush(2)], [true, false])
    func anFsyncThatFails(at moment: StagedDevice.Moment, staysBroken: Bool) throws {
        for (image, index) in Self.failing {
            try expectDurable(Scene(image), fsyncFailingAt: moment, of: index, staysBroken: staysBroken)
        }
    }

    private func expectDurable(
        _ scene: Scene, fsyncFailingAt moment: StagedDevice.Moment, of index: Int, staysBroken: Bool
    ) throws {
        let device = scene.devices[index]
        // The third log takes the places of the first.
        for round in UInt8(1)...2 {
            try scene.overwrite(round)
            _ = try scene.fs.fsync("/f")
        }
        let start = scene.recording.operations.count
        try scene.overwrite(3)
        device.restart()
        device.fail(at: moment, staysBroken: staysBroken)
        if staysBroken {
            do {
                let outcome = try scene.fs.fsync("/f")
                Issue.record("\(outcome)")
            } catch { #expect(error.code == .inputOutput) }
            device.mend()
            expectReadOnly(scene.fs)
        } else {
            #expect(try scene.fs.fsync("/f") == .fullCommit(.failure))
            #expect(scene.steps(since: start).suffix(6).map(\.kind) == [.block, .flush, .copy, .flush, .superblock, .flush])
            #expect(try scene.contentsAfterCuts(from: scene.recording.operations.count) == [Scene.content(3)])
            try scene.fs.changeMode("/f", to: 0o600)
            guard case .logged = try scene.fs.fsync("/f") else { throw Errno.inputOutput }
        }
        let contents = try scene.contentsAfterCuts(from: start)
        #expect(contents.contains(Scene.content(2)) && Set(contents).isSubset(of: [Scene.content(2), Scene.content(3)]))
    }

    /// One step of a commit fails: nothing is changed from then on, and the file is as it was in the log, or new.
    @Test(
        arguments: [
            StagedDevice.Moment.write(afterFlush: 0), .flush(1), .write(afterFlush: 1), .flush(2), .write(afterFlush: 2), .flush(3),
        ], [true, false])
    func aCommitThatFails(at moment: StagedDevice.Moment, staysBroken: Bool) throws {
        for (image, index) in Self.failing {
            try expectDurable(Scene(image), commitFailingAt: moment, of: index, staysBroken: staysBroken)
        }
    }

    private func expectDurable(
        _ scene: Scene, commitFailingAt moment: StagedDevice.Moment, of index: Int, staysBroken: Bool
    ) throws {
        let device = scene.devices[index]
        try scene.overwrite(2)
        _ = try scene.fs.fsync("/f")
        let start = scene.recording.operations.count
        try scene.overwrite(3)
        device.restart()
        device.fail(at: moment, staysBroken: staysBroken)
        do {
            try scene.fs.sync()
            Issue.record("the commit did not fail")
        } catch { #expect(error.code == .inputOutput) }
        device.mend()
        expectReadOnly(scene.fs)
        let contents = try scene.contentsAfterCuts(from: start)
        #expect(contents.contains(Scene.content(2)) && Set(contents).isSubset(of: [Scene.content(2), Scene.content(3)]))
    }

    private func expectReadOnly(_ fs: FileSystem) {
        do {
            try fs.create("/later")
            Issue.record("a change was made")
        } catch { #expect(error.code == .readOnly) }
        #expect(throws: FileSystemError.self) { _ = try fs.fsync("/f") }
        #expect(throws: FileSystemError.self) { try fs.sync() }
    }
}
