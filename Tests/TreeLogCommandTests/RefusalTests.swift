internal import BlockDevices
internal import KernelOracle
internal import TestSupport
internal import Testing

/// Bad input gets one line on standard error that says what to do, and the images stay as they are.
@Suite struct RefusalTests {
    static func expectRefusal(_ run: ToolRun, _ parts: String...) {
        #expect(run.status == 1, "\(run)")
        #expect(run.errors.hasPrefix("treelog: ") && run.errors.split(separator: "\n").count == 1, "\(run)")
        for part in parts { #expect(run.errors.contains(part), "no '\(part)' in \(run)") }
    }

    static let verbs = [
        ["info"], ["inspect"], ["dump"], ["walk"], ["ls"], ["cat", "-p", "a"], ["stat"], ["state"], ["replay"],
        ["replay", "--dry-run"],
    ]

    @Test(arguments: verbs)
    func garbage(_ verb: [String]) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("garbage")
        var generator = SeededGenerator(seed: 1)
        do {
            let garbage = try FileDevice.create(at: path, byteCount: 1 << 20)
            try garbage.write(generator.bytes(1 << 20), at: 0)
        }
        Self.expectRefusal(try ToolRun(verb + [path]), path, "no btrfs superblock")
        Self.expectRefusal(try ToolRun(verb + [folder.file("nothing")]), "No such file")
        Self.expectRefusal(try ToolRun(verb + [folder.path]), folder.path, "neither a block device nor an image")
    }

    @Test(arguments: verbs)
    func aShortImage(_ verb: [String]) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("short")
        let device = try Corpus.image(named: "create_fsync").load()[0]
        do {
            let short = try FileDevice.create(at: path, byteCount: device.byteCount / 2)
            try short.write(try device.bytes(at: 0, count: 1 << 20), at: 0)
        }
        Self.expectRefusal(try ToolRun(verb + [path]), path, "cut short")
    }

    @Test func wordsThatNobodyKnowsAreToldWithTheUsageOfTheVerb() throws {
        let images = try Images("create_fsync")
        let policy = try ToolRun("replay", "--policy", "none", images.path)
        #expect(policy.status == 64 && policy.output.isEmpty, "\(policy)")
        #expect(
            policy.errors == """
                treelog: unknown policy 'none'; there are: mainline, salvage, strict
                Usage: treelog replay [options] <image> ...
                  See 'treelog replay --help' for more information.

                """, "\(policy)")
        let process = try ToolRun("walk", "--process", "none", images.path)
        #expect(process.status == 64 && process.errors.contains("\n       treelog walk --list\n"), "\(process)")
    }

    @Test func aDeviceThatIsInUse() throws {
        let images = try Images("create_fsync")
        try withExtendedLifetime(try FileDevice(path: images.path, access: .readOnly)) {
            Self.expectRefusal(try ToolRun("replay", images.path), images.path, "in use by another process")
            #expect(try ToolRun("info", images.path).status == 0)
        }
        #expect(try images.areUntouched())
        try withExtendedLifetime(try FileDevice(path: images.path, access: .readWrite)) {
            Self.expectRefusal(try ToolRun("info", images.path), images.path, "in use by another process")
        }
    }

    @Test(.enabled(if: KernelOracle.skipReason(.hostKernel) == nil, "needs root and loop devices"))
    func aDeviceThatTakesNoWrites() throws {
        let images = try Images("create_fsync")
        let line = "loop=$(losetup --read-only --find --show $1) && { $0 replay $loop; code=$?; losetup --detach $loop; exit $code; }"
        Self.expectRefusal(try ToolRun.shell(line, [images.path]), "it is read-only", "--output")
    }

    @Test func aMissingDevice() throws {
        let images = try Images("rand-0034.two-dev-single")
        Self.expectRefusal(try ToolRun("replay", images.paths[0]), "1 of 2 devices", "-o degraded")
        Self.expectRefusal(try ToolRun("replay", images.path, images.path), "given twice")
        let striped = try Images("mix_a.raid0")
        Self.expectRefusal(try ToolRun("state", striped.paths[1]), "name all devices of the volume")
        Self.expectRefusal(try ToolRun("info", images.path, images.path), "given twice")
        let other = try Images("create_fsync")
        Self.expectRefusal(try ToolRun("info", images.path, other.path), "belongs to file system")
        #expect(try images.areUntouched())
    }

    /// The log may be whole where the volume is not.
    @Test(arguments: ["root", "extent", "fs", "free-space"])
    func aDamagedVolume(_ tree: String) throws {
        let images = try Images("two_subvolumes")
        let block = try images.damageLeaf(of: tree)
        for verb in [["replay"], ["replay", "--policy", "salvage"]] {
            Self.expectRefusal(
                try ToolRun(verb + [images.path]), "block \(block): the checksum of this block of tree", "'btrfs check --readonly'")
        }
    }

    @Test func outputThatCannotBeWritten() throws {
        let images = try Images("create_fsync")
        for verb in ["state", "info", "inspect", "stat", "dump"] {
            let run = try ToolRun.shell("$0 \(verb) $1 > /dev/full", [images.path])
            Self.expectRefusal(run, "standard output: cannot write", "No space left")
        }
        let unread = try ToolRun.shell("{ $0 state $1; echo $? >&2; } | true", [images.path])
        #expect(unread.errors == "0\n", "\(unread)")
        // The volume is not unchanged.
        let replay = try ToolRun.shell("$0 replay $1 > /dev/full", [images.path])
        #expect(replay.status == 0 && replay.errors.contains("standard output: cannot write"), "\(replay)")
    }

    @Test func aWrongUndoFile() throws {
        let images = try Images("create_fsync")
        Self.expectRefusal(try ToolRun("undo", images.path, images.path), "not a sound undo file")
        let undo = images.folder.file("undo")
        #expect(try ToolRun("replay", "--undo", undo, images.path).status == 0)
        let other = try Images("rand-0034.two-dev-single")
        Self.expectRefusal(try ToolRun(["undo", undo] + other.paths), "is for 1 device")
        #expect(try other.areUntouched())
    }

    @Test(arguments: [
        (["replay", "--policy", "mainlin", "x"], "did you mean 'mainline'?"),
        (["replay", "--policy", "zzzzzzzz", "x"], "there are: mainline, salvage, strict"),
        (["inspect", "--policy", "slavage", "x"], "did you mean 'salvage'?"),
        (["walk", "--process", "verfy", "x"], "did you mean 'verify'?"),
        (["dump", "--tree", "free_space", "x"], "did you mean 'free-space'?"),
        (["dump", "--key", "1 INODE_ITME", "x"], "did you mean 'INODE_ITEM'?"),
        (["dump", "--key", "1 2 3 4", "x"], "three parts"),
        (["replay", "--dry-run", "--undo", "u", "x"], "--dry-run writes nothing"),
        (["replay", "--output", "a", "x", "y"], "2 images but 1 --output"),
        (["replay", "--timeout", "0", "x"], "--timeout"),
        (["replay"], "Missing expected argument"),
        (["walk"], "Missing expected argument"),
        (["nonsense"], "nonsense"),
    ])
    func wrongUsage(_ arguments: [String], _ part: String) throws {
        let run = try ToolRun(arguments)
        #expect(run.status == 64 && run.errors.hasPrefix("treelog: ") && run.errors.contains(part), "\(run)")
    }

    @Test(arguments: [
        "info", "inspect", "dump", "replay", "walk", "ls", "cat", "stat", "state", "undo", "check", "mkfs", "run", "item", "item put",
        "plugin", "plugin stubs",
    ])
    func helpHasExamples(_ verb: String) throws {
        let run = try ToolRun(verb.split(separator: " ").map(String.init) + ["--help"])
        #expect(run.status == 0 && run.text.contains("EXAMPLES\n  treelog "), "\(run)")
        #expect(run.lines.allSatisfy { $0.count <= 80 }, "\(run)")
        // A line that was broken where the terminal ends does not run as it stands.
        let examples = run.text.split(separator: "\n\n").first { $0.hasPrefix("EXAMPLES\n") } ?? ""
        #expect(examples.split(separator: "\n").dropFirst().allSatisfy { $0.hasPrefix("  ") }, "\(run)")
    }

    @Test func theExamplesOfMkfsWork() throws {
        let folder = try TemporaryFolder()
        let image = folder.file("disk.img")
        for options in [["--size", "256M"], ["--features", "^extref,block-group-tree", "--force"]] {
            let run = try ToolRun(["mkfs"] + options + [image])
            #expect(run.status == 0, "\(run)")
        }
    }

    @Test func theRootTellsTheExitCodes() throws {
        let run = try ToolRun("--help")
        #expect(run.text.contains("3  dry run, and a replay is pending"), "\(run)")
        #expect(try ToolRun("--version").text.split(separator: ".").count == 3)
    }
}
