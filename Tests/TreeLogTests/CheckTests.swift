import BlockDevices
import BtrfsFormat
import BtrfsVolume
import HostileImages
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// The check finds what is wrong, and nothing where nothing is.
@Suite struct CheckTests {
    /// Before the replay of its log and after it; `btrfs check` says the same, which other tests ask after the replay.
    @Test(arguments: Corpus.all)
    func volumesOfTheCorpusAreClean(image: CorpusImage) throws {
        let devices = try image.load()
        let before = try check(devices)
        #expect(before.isClean && before.logBlockCount > 0, "\(before.errors)")
        try Replays.replay(devices)
        let after = try check(devices)
        #expect(after.isClean && after.logBlockCount == 0, "\(after.errors)")
        #expect(after.blockCount > 8 && after.inodeCount > 0)
    }

    @Test(arguments: zip(CheckFault.volumes, [3, 4])) func otherVolumesAreClean(name: String, count: Int) throws {
        let report = try check(try CheckFault.load(name))
        #expect(report.findings.isEmpty && report.subvolumeCount == count, "\(report.findings)")
    }

    @Test(.enabled(if: BtrfsCheck.isAvailable, "btrfs-progs is missing"), arguments: Corpus.images)
    func btrfsCheckAgreesBeforeTheReplay(image: CorpusImage) throws {
        let folder = try TemporaryFolder()
        let verdict = try BtrfsCheck.run(images: try image.writeImages(to: folder.path))
        #expect(!verdict.hasErrors, "\(verdict)")
    }

    @Test(arguments: CheckFault.all)
    func faultIsFound(fault: CheckFault) throws {
        let devices = try fault.make(CheckFault.base(fault.image))
        let report = try check(devices)
        #expect(report.errorCounts[fault.kind] ?? 0 > 0, "found: \(report.errors)")
        #expect(report.findings.allSatisfy { !$0.text.isEmpty && !$0.text.contains("\n") })
        guard case .btrfsCheck = fault.judge, BtrfsCheck.isAvailable else { return }
        let folder = try TemporaryFolder()
        let verdict = try BtrfsCheck.run(images: Replays.write(devices, to: folder.file("image")))
        #expect(verdict.hasErrors, "\(verdict)")
    }

    /// Many errors of one kind are counted, and not all listed.
    @Test func findingsAreLimited() throws {
        let image = try CheckFault.base("dir_many_new")
        let devices = try image.changing(.fileTree) { items in
            for index in items.indices where items[index].key.type == .dirIndex { items[index].data[29] = 5 }
        }
        let report = VolumeChecker(try Volume(opening: devices), options: CheckOptions(findingLimit: 7)).run()
        #expect(report.errors.filter { $0.kind == .name }.count == 7)
        #expect(report.errorCounts[.name] ?? 0 > 600)
    }

    /// A log may not lie where something else is: its blocks are not in the extent tree.
    @Test func logOverUsedSpaceIsFound() throws {
        let image = try HostileImage(Corpus.image(named: "create_fsync"))
        let log = try #require(image.used.blocks.first { $0.isLog })
        let devices = try image.replacingFirst(in: .extentTree, where: { $0.key.type == .metadataItem }) {
            [$0, $0.with(key: Key(ObjectID(log.address.rawValue), .metadataItem, 0))]
        }
        #expect(try check(devices).errorCounts[.log] ?? 0 > 0)
    }

    /// Whatever an image holds: the check ends and says something.
    ///
    /// Each shard is a process of its own: what ends it names its case.
    @Test(arguments: [
        "mix_a.default,mix_a.n4096,mix_a.raid10,mix_a.holes", "mix_a.mixed,mix_a.cache-v1,mix_a.no-skinny",
        "snapshot_shared_tree_blocks,mix_a.squota,mix_a.bgt,mix_a.quota", "two_subvolumes,extref_added_dir_fsync",
    ])
    func hostileImagesAreSurvived(names: String) async throws {
        let folder = try TemporaryFolder()
        let note = folder.file("case")
        await #expect(processExitsWith: .success, "see the case below") { [names, note = note as String] in
            let images = try names.split(separator: ",").map { try HostileImage(Corpus.image(named: String($0))) }
            var errorCount = 0
            for seed in 0..<160 {
                let one = HostileCase(images[seed % images.count], seed: UInt64(seed))
                ProcessStatus.leave("\(one): ended the process", at: note)
                let (devices, _, _) = try one.make()
                guard let volume = try? Volume(opening: devices) else { continue }
                let options = CheckOptions(verifiesData: seed % 4 == 0)
                errorCount += VolumeChecker(volume, options: options).run().isClean ? 0 : 1
            }
            try #require(errorCount > 60)
            ProcessStatus.leave("done", at: note)
        }
        #expect(try String(decoding: Fixtures.bytes(of: note), as: UTF8.self) == "done")
    }

    private func check(_ devices: [MemoryDevice]) throws -> CheckReport {
        VolumeChecker(try Volume(opening: devices), options: CheckOptions(verifiesData: true)).run()
    }
}
