import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Random operations by seed, compared with a model, with `btrfs check` and with Linux.
@Suite struct RandomOperationTests {
    private static let images = ["chmod_fsync", "mix_a.holes", "mix_a.n4096", "mix_a.mixed", "mix_a.bgt"]

    @Test(arguments: images, 1...3 as ClosedRange<UInt64>)
    func volumesDoWhatTheModelDoes(image: String, seed: UInt64) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        try fs.makeDirectory("/model")
        let model = FileModel(top: "/model", seed: seed)
        for round in 0..<4 {
            for _ in 0..<100 { try model.step(fs) }
            try model.expectSame(fs, "seed \(seed), round \(round)")
            try volume.expectClean()
            try model.expectSame(fs, "seed \(seed), after commit \(round)")
        }
    }

    static let skipReason = KernelOracle.skipReason(.hostKernel, .btrfsCheck)

    @Test(.enabled(if: skipReason == nil, Comment(rawValue: skipReason ?? "")), arguments: images)
    func linuxSeesTheSame(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        try fs.makeDirectory("/model")
        let model = FileModel(top: "/model", seed: 11)
        for _ in 0..<300 { try model.step(fs) }
        try fs.createSubvolume("/newsub")
        try fs.create("/newsub/file")
        try fs.append("/newsub/file", [1, 2, 3])
        try fs.snapshot("/newsub", at: "/newsnap", isReadOnly: true)
        try fs.rename("/newsub/file", to: "/newsub/other")
        for _ in 0..<100 { try model.step(fs) }
        try fs.unmount()
        let verdict = try volume.check()
        #expect(verdict.isClean, "\(verdict)")
        guard verdict.isClean else { return }
        let folder = try TemporaryFolder()
        var paths: [String] = []
        for (index, device) in volume.devices.enumerated() {
            paths.append(folder.file("image.\(index)"))
            try device.writeImage(to: paths[index])
        }
        let kernel = try HostKernel.state(of: paths, options: ["noatime", "ro"])
        let own = try JSONValue(parsing: Array(volume.committedState().utf8))
        let differences = StateComparison.compare(expected: kernel, actual: own)
        #expect(differences.isEmpty, "\(differences)")
    }
}
