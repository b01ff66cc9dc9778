import Foundation
import TestSupport
import Testing

@testable import KernelOracle

extension Trait where Self == ConditionTrait {
    /// Skips the test where a judge is missing, and says which and why.
    static func judged(by judges: KernelOracle.Judge...) -> Self {
        let reasons = judges.compactMap { KernelOracle.skipReason($0) }
        return .enabled(if: reasons.isEmpty, Comment(rawValue: reasons.joined(separator: "; ")))
    }
}

/// The judges agree with the corpus: an image whose log the kernel replays has the expected state,
/// and btrfs check finds nothing in it. A judge that said so of everything would be noticed here.
@Suite(.serialized) struct JudgeTests {
    /// Of each kind of thing that a state has at least one.
    static let names = [
        "acl_fsync", "capability", "compress_zlib", "five_subvolumes_deletes", "snapshot_reflink_across",
        "sparse_tb_file", "long_names", "mix_a.holes", "mix_a.raid1", "mix_a.squota",
    ]

    private func withImages<Result>(
        of name: String, _ body: (CorpusImage, [String]) throws -> Result
    ) throws -> Result {
        let folder = try TemporaryFolder()
        let image = try Corpus.image(named: name)
        return try body(image, try image.writeImages(to: folder.path))
    }

    @Test(.judged(by: .hostKernel, .btrfsCheck), arguments: names)
    func theKernelsReplayGivesTheExpectedState(name: String) throws {
        try withImages(of: name) { image, paths in
            let state = try HostKernel.state(of: paths, log: .replayedByKernel)
            let differences = try image.differences(from: state)
            #expect(differences.isEmpty, "\(differences)")
            let verdict = try BtrfsCheck.run(images: paths)
            if image.variant == "squota" {
                #expect(!verdict.hasErrors, "\(verdict)")
            } else {
                #expect(verdict.isClean, "\(verdict)")
            }
            // It is replayed now; a second mount finds the same.
            #expect(try HostKernel.state(of: paths) == state)
        }
    }

    @Test(.judged(by: .hostKernel))
    func anImageWithoutItsLogIsNotTheExpectedState() throws {
        try withImages(of: "acl_fsync") { image, paths in
            let state = try HostKernel.state(
                of: paths, log: .replayedByKernel, options: ["ro", "rescue=nologreplay"])
            #expect(try image.differences(from: state).count > 3)
        }
    }

    @Test(.judged(by: .hostKernel))
    func aVolumeWithALogIsNotMountedByMistake() throws {
        try withImages(of: "acl_fsync") { _, paths in
            let hasLog = try HostKernel.hasLog(paths[0])
            #expect(hasLog)
            let error = #expect(throws: OracleError.self) { try HostKernel.mount(images: paths) { _ in } }
            #expect(error?.description.contains("refused") == true)
        }
    }

    @Test(.judged(by: .hostKernel))
    func nothingStaysMountedAfterAnError() throws {
        try withImages(of: "mix_a.raid1") { _, paths in
            struct Stop: Error {}
            var folder = ""
            #expect(throws: Stop.self) {
                try HostKernel.mount(images: paths, log: .replayedByKernel) {
                    folder = $0
                    throw Stop()
                }
            }
            #expect(!FileManager.default.fileExists(atPath: folder))
            let state = try HostKernel.state(of: paths)
            #expect(state["subvolumes"] != nil)
        }
    }

    @Test(.judged(by: .hostKernel))
    func whatIsNoVolumeIsAnErrorWithItsReason() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/zeros"
        #expect(FileManager.default.createFile(atPath: path, contents: Data(count: 1 << 20)))
        let error = #expect(throws: OracleError.self) { try HostKernel.mount(images: [path]) { _ in } }
        #expect(error?.description.contains("status 32") == true, "\(String(describing: error))")
    }

    @Test(.judged(by: .btrfsCheck), arguments: [BtrfsCheck.Depth.metadata, .everything])
    func damagedDataIsFoundByTheDeepCheckOnly(depth: BtrfsCheck.Depth) throws {
        try withImages(of: "append_after_commit") { _, paths in
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: paths[0]))
            // The first data block of the first data chunk, where logical and physical are equal.
            try file.seek(toOffset: 13_631_488)
            try file.write(contentsOf: Data([0xDB, 0xDB, 0xDB, 0xDB]))
            try file.close()
            let verdict = try BtrfsCheck.run(images: paths, depth: depth)
            #expect(verdict.hasErrors == (depth == .everything), "\(verdict)")
        }
    }

    @Test func checksThatComplainAreNotClean() {
        func verdict(_ status: Int32, _ output: String) -> BtrfsCheck.Verdict {
            let errors = "[1/7] checking root items\nERROR: cannot scan /dev/loop9: Input/output error"
            return BtrfsCheck.verdict(Command.Result(status: status, output: output, errors: errors))
        }
        #expect(verdict(0, "found 155648 bytes used, no error found").isClean)
        #expect(verdict(1, "found 155648 bytes used, no error found").hasErrors)
        #expect(verdict(0, "checksum verify failed on 30408704 wanted 0x1 found 0x2").hasErrors)
        let unknown = verdict(1, "couldn't open because of unsupported option features (10000).\nERROR: x")
        #expect(!unknown.isClean && !unknown.hasErrors)
    }

    @Test func aProgramThatHangsIsKilled() throws {
        let start = ContinuousClock.now
        #expect(throws: OracleError.self) {
            try Command.named("sleep").run(["60"], timeout: .milliseconds(50))
        }
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(try Command.named("false").run([], timeout: .seconds(10)).status == 1)
    }
}

/// The guest replays what the host replays, and a guest that dies takes only one volume with it.
@Suite(.serialized) struct UserModeLinuxTests {
    @Test(.judged(by: .userModeLinux, .btrfsCheck))
    func severalVolumesShareABoot() throws {
        let folder = try TemporaryFolder()
        let images = try ["acl_fsync", "mix_a.raid1", "five_subvolumes_deletes"].map(Corpus.image)
        let volumes = try images.map { try $0.writeImages(to: folder.path) }
        let script = "echo here; case \"$(ls $MOUNT)\" in *s4*) false;; *) true;; esac"
        let outcomes = try UserModeLinux.mount(volumes: volumes, script: script)
        #expect(outcomes.count == 3)
        #expect(outcomes.prefix(2).allSatisfy { $0 == .mounted(output: "here") }, "\(outcomes)")
        #expect(outcomes.last == .failed(output: "here"), "\(outcomes)")
        for volume in volumes where volume.count == 1 {
            #expect(try BtrfsCheck.run(images: volume).isClean)
            #expect(try !HostKernel.hasLog(volume[0]))
        }
    }

    @Test func theConsoleOfAGuestThatDied() {
        let lines = [
            "boot", "@@BEGIN 0", "a", "@@MOUNTED 0", "", "@@BEGIN 1", "b", "@@FAILED 1", "@@BEGIN 2", "BUG",
        ]
        let console = lines.joined(separator: "\r\n")
        let outcomes = UserModeLinux.outcomes(from: console, count: 4)
        #expect(outcomes == [.mounted(output: "a"), .failed(output: "b"), .died(output: "BUG")])
    }
}
