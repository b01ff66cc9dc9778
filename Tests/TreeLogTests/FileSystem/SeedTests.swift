import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// A volume that grew out of a seed: what is new goes to its own device, and the seed stays as it is.
@Suite struct SeedTests {
    @Test func aReplayLeavesTheSeedAlone() throws {
        let devices = try Corpus.grown.load()
        let seed = devices[1].copy()
        for device in [devices.reversed(), devices] { #expect(try Volume(opening: device).superblock.generation == 20) }
        try Replays.replay(devices)
        #expect(devices[1].contentEquals(seed))
        #expect(try Volume(opening: devices).superblock.generation == 21)
    }

    @Test func withoutTheSeedADeviceIsMissing() throws {
        let own = try Corpus.grown.load()[0]
        let error = #expect(throws: (any Error).self) { try Replays.replay([own]) }
        #expect(error.map { "\($0)" }?.contains("device 1 of the volume is not among those given (1 of 2)") == true)
    }

    /// What lies on the seed is neither overwritten in place, where the flags of a file ask for it, nor used again when
    /// it is freed.
    @Test func workLeavesTheSeedAlone() throws {
        let devices = try Corpus.grown.load()
        let seed = devices[1].copy()
        let volume = try MountedVolume(mounting: devices)
        let fs = volume.fileSystem
        var generator = SeededGenerator(seed: 11)
        let piece = generator.bytes(4096)
        for path in ["/base/f2", "/base/nc", "/base/pre"] {
            try fs.write(path, at: 4096, piece)
            _ = try fs.fsync(path)
            #expect(try fs.read(path, at: 4096, count: 4096) == piece)
        }
        try volume.expectClean()
        try fs.unlink("/base/nc")
        try fs.unlink("/base/pre")
        try volume.expectClean()
        let large = generator.bytes(1 << 20)
        do {
            for offset in 0..<200 { try fs.append("/base/f1", large + [UInt8(offset)]) }
            Issue.record("the volume did not get full")
        } catch {
            #expect(error.code == .noSpace, "\(error)")
        }
        try volume.expectClean()
        #expect(devices[1].contentEquals(seed))
    }

    @Test(.judged(by: .hostKernel, .btrfsCheck))
    func linuxShowsWhatWasWritten() throws {
        let volume = try MountedVolume(mounting: try Corpus.grown.load())
        let fs = volume.fileSystem
        try fs.write("/base/nc", at: 100, Array("in a file that is not copied on write".utf8))
        try fs.createSubvolume("/another")
        try fs.snapshot("/sub", at: "/another/snapshot")
        try fs.unlink("/base/f2")
        try volume.expectClean()
        let folder = try TemporaryFolder()
        let paths = try Replays.write(volume.devices, to: folder.file("image"))
        let differences = StateComparison.compare(
            expected: try volume.document(), actual: try HostKernel.state(of: paths), masks: [])
        #expect(differences.isEmpty, "\(differences)")
    }
}
