import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// The replay of every image of the corpus gives the state that Linux gives it, and a volume that is whole.
@Suite struct CorpusReplayTests {
    /// Replays, commits, opens the volume anew and compares all that can be seen.
    @Test(arguments: Corpus.all)
    func replayGivesTheKernelsState(image: CorpusImage) throws {
        let devices = try image.load()
        try Replays.replay(devices)
        let volume = try Volume(opening: devices)
        #expect(volume.superblock.logRoot == LogicalAddress(0))
        let state = try Replays.state(of: VolumeFiles(volume))
        let differences = try image.differences(from: state)
        #expect(differences.isEmpty, "\(differences)")
    }

    /// btrfs-progs finds nothing wrong after the replay, data checksums included.
    @Test(.enabled(if: BtrfsCheck.isAvailable, "btrfs-progs is missing"), arguments: Corpus.all)
    func replayLeavesTheVolumeWhole(image: CorpusImage) throws {
        let devices = try image.load()
        try Replays.replay(devices)
        try Replays.expectNoErrors(devices)
    }

    /// The same image replayed twice gives the same state, and nothing is written before the commit.
    @Test(arguments: Corpus.images.filter { $0.kind == .scenario })
    func replayIsReproducibleAndWritesNothingByItself(image: CorpusImage) throws {
        let volume = try Volume(opening: try image.load())
        let before = volume.superblock
        let options = ReplayOptions(now: Timestamp(seconds: 1_000_000, nanoseconds: 5))
        var texts: [[UInt8]] = []
        for _ in 0..<2 {
            let (transaction, report) = try Replayer(volume, options: options).run()
            #expect(!report.isPartial)
            let files = VolumeFiles(volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
            texts.append(try Replays.stateBytes(of: files))
        }
        #expect(texts[0] == texts[1])
        #expect(volume.superblock.generation == before.generation)
    }
}
