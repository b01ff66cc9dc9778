import KernelOracle
import TestSupport
import Testing
import TreeLog

extension Trait where Self == ConditionTrait {
    /// Skips the test where a judge is missing, and says which and why.
    static func judged(by judges: KernelOracle.Judge...) -> Self {
        let reasons = judges.compactMap { KernelOracle.skipReason($0) }
        return .enabled(if: reasons.isEmpty, Comment(rawValue: reasons.joined(separator: "; ")))
    }
}

/// Linux mounts what was replayed, and shows what its own replay would have shown.
///
/// The kernel in user mode sees every kind of volume first: there a crash ends one process and no more.
@Suite(.serialized) struct KernelAgreementTests {
    /// Linux 6.1 in user mode mounts it, reads every file, makes and fsyncs a new one, and unmounts.
    @Test(.judged(by: .userModeLinux, .btrfsCheck))
    func linuxInUserModeMountsAndWrites() throws {
        // Simple quotas are younger than that kernel.
        let chosen = Corpus.hazards + [Corpus.grown] + Corpus.images.filter { $0.kind == .variant && $0.variant != "squota" }
        let folder = try TemporaryFolder()
        var volumes: [[String]] = []
        for image in chosen {
            let devices = try image.load()
            try Replays.replay(devices)
            volumes.append(try Replays.write(devices, to: folder.file(image.name)))
        }
        let script = """
            set -e
            find $MOUNT -type f -exec cat {} + > /dev/null
            mkdir $MOUNT/written-after
            for i in 1 2 3 4 5 6 7 8 9; do echo $i > $MOUNT/written-after/$i; done
            ln $MOUNT/written-after/1 $MOUNT/written-after/link
            busybox sync $MOUNT/written-after/1
            """
        let outcomes = try UserModeLinux.mount(volumes: volumes, script: script)
        for (image, outcome) in zip(chosen, outcomes) {
            #expect(outcome.isMounted, "\(image.name): \(outcome)")
        }
        for (image, paths) in zip(chosen, volumes) {
            let verdict = try BtrfsCheck.run(images: paths)
            #expect(!verdict.hasErrors, "\(image.name): \(verdict)")
        }
    }

    /// The kernel of this machine shows the expected state.
    @Test(.judged(by: .hostKernel, .btrfsCheck), arguments: Corpus.all)
    func theKernelShowsTheExpectedState(image: CorpusImage) throws {
        let devices = try image.load()
        try Replays.replay(devices)
        let folder = try TemporaryFolder()
        let paths = try Replays.write(devices, to: folder.file("image"))
        let state = try HostKernel.state(of: paths)
        let differences = try image.differences(from: state)
        #expect(differences.isEmpty, "\(differences)")
        let verdict = try BtrfsCheck.run(images: paths)
        #expect(!verdict.hasErrors, "\(verdict)")
    }
}
