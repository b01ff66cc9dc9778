internal import BlockDevices
internal import KernelOracle
internal import TestSupport
internal import Testing

/// `replay` and `undo`: where the result goes, and that nothing else changes.
@Suite struct ReplayCommandTests {
    @Test(arguments: ["conflict_rename_recreate", "two_subvolumes", "mix_a.raid1", "mix_a.raid1c4"])
    func replaysInPlace(_ name: String) throws {
        let images = try Images(name)
        let run = try ToolRun(["replay"] + images.paths)
        #expect(run.status == 0 && run.errors == "", "\(run)")
        #expect(run.text.contains("The log was replayed with the policy mainline"))
        try images.expectReplayedState(try ToolRun(["state"] + images.paths))
        let again = try ToolRun(["replay"] + images.paths)
        #expect(again.status == 0 && again.text.contains("no log"), "\(again)")
    }

    @Test func replaysWhatStopsLinux() throws {
        let images = try Images("hazard_ref_grows_4k")
        #expect(try ToolRun("replay", images.path).status == 0)
        try images.expectReplayedState(try ToolRun("state", images.path))
    }

    @Test func aDryRunWritesNothing() throws {
        let images = try Images("mix_a.raid1")
        let run = try ToolRun(["replay", "--dry-run"] + images.paths)
        #expect(run.status == 3 && run.text.contains("nothing was written"), "\(run)")
        #expect(try images.areUntouched())
        let json = try ToolRun(["replay", "--dry-run", "--json"] + images.paths).json()
        #expect(json["dry_run"] == .boolean(true) && json["result"]?.string == "replayed")
        #expect(json["bytes_written"]?.integer ?? 0 > 0)
        #expect(try images.areUntouched())
    }

    @Test func writesCopies() throws {
        let images = try Images("mix_a.raid1")
        let copies = [images.folder.file("copy0"), images.folder.file("copy1")]
        let run = try ToolRun(["replay", "--output", copies[0], "--output", copies[1]] + images.paths)
        #expect(run.status == 0, "\(run)")
        #expect(try images.areUntouched())
        try images.expectReplayedState(try ToolRun(["state"] + copies))
        let again = try ToolRun(["replay", "-o", copies[0], "-o", copies[1]] + images.paths)
        #expect(again.status == 1 && again.errors.contains("a file of this name already"), "\(again)")
    }

    @Test(arguments: ["two_subvolumes", "mix_a.raid1"])
    func undoTakesEverythingBack(_ name: String) throws {
        let images = try Images(name)
        let undo = images.folder.file("undo")
        #expect(try ToolRun(["replay", "--undo", undo] + images.paths).status == 0)
        #expect(try !images.areUntouched())
        let run = try ToolRun(["undo", undo] + images.paths)
        #expect(run.status == 0 && run.text.hasPrefix("Restored"), "\(run)")
        #expect(try images.areUntouched())
        #expect(try ToolRun(["undo", "--json", undo] + images.paths).json()["schema"]?.string == "treelog.undo/1")
    }

    @Test func aFailedReplayLeavesNoUndoFile() throws {
        let images = try Images("two_subvolumes")
        let undo = images.folder.file("undo")
        _ = try images.damageLeaf(ofLog: 5)
        #expect(try ToolRun("replay", "--undo", undo, images.path).status == 1)
        #expect(throws: (any Error).self) { try FileDevice(path: undo, access: .readOnly) }
    }

    @Test func aReportNamesTheInodes() throws {
        let images = try Images("two_subvolumes")
        let json = try ToolRun("replay", "--json", images.path).json()
        #expect(json["schema"]?.string == "treelog.replay/1")
        #expect(json["generation_before"]?.integer == 8 && json["generation_after"]?.integer == 9)
        let subvolumes = try #require(json["subvolumes"]?.elements)
        #expect(subvolumes.map { $0["path"]?.string } == ["/", "/s1", "/s2"])
        let inodes = try #require(subvolumes[1]["inodes"]?.elements)
        #expect(inodes.contains { $0["path"]?.string == "/d/n" && $0["new"] == .boolean(true) })
        let handlers = try #require(json["handlers"]?.elements)
        #expect(handlers.contains { $0["item_type"]?.string == "EXTENT_DATA" })
    }

    @Test func salvageLeavesOutWhatIsDamaged() throws {
        let images = try Images("two_subvolumes")
        let block = try images.damageLeaf(ofLog: 256)
        let plain = try ToolRun("replay", images.path)
        #expect(plain.status == 1 && plain.errors.contains("log of subvolume 256, block \(block)"), "\(plain)")
        #expect(plain.errors.split(separator: "\n").count == 1 && plain.errors.contains("salvage"))
        let json = try ToolRun("replay", "--json", images.path).json()
        #expect(json["schema"]?.string == "treelog.error/1")
        #expect(json["place"]?["block"]?.integer == block && json["place"]?["subvolume"]?.integer == 256)

        let inspect = try ToolRun("inspect", images.path)
        #expect(inspect.status == 4 && inspect.text.contains("cannot be replayed"), "\(inspect)")
        #expect(inspect.text.contains("block \(block)") && inspect.text.contains("--policy salvage --dry-run"))
        #expect(try ToolRun("inspect", "--json", images.path).json()["result"]?.string == "not_replayable")
        let walk = try ToolRun("walk", images.path)
        #expect(walk.status == 4 && walk.errors.contains("block \(block)"), "\(walk)")

        let dump = try ToolRun("dump", images.path)
        #expect(dump.status == 4 && dump.text.contains("tree log:257"), "\(dump)")

        // The log of the subvolume is that one leaf.
        let refused = try ToolRun("replay", "--policy", "salvage", images.path)
        RefusalTests.expectRefusal(refused, "nothing of this log can be replayed", "--give-up-logs")
        let salvage = try ToolRun("replay", "--policy", "salvage", "--give-up-logs", images.path)
        #expect(salvage.status == 2 && salvage.text.contains("left out"), "\(salvage)")
        let state = try ToolRun("state", images.path).json()
        let expected = try images.fixture.expectedState()
        for path in ["/", "/s2"] {
            #expect(state["subvolumes"]?[path]?["dirs"] == expected["subvolumes"]?[path]?["dirs"])
        }
    }

    @Test func timeIsLimited() throws {
        let images = try Images("two_subvolumes")
        let run = try ToolRun("replay", "--timeout", "0.000001", images.path)
        #expect(run.status == 1 && run.errors.contains("the volume is unchanged"), "\(run)")
        #expect(try images.areUntouched())
        #expect(try ToolRun("replay", "--timeout", "600", images.path).status == 0)
    }

    @Test func aTornSuperblockIsWrittenAnew() throws {
        let images = try Images("two_subvolumes")
        #expect(try ToolRun("replay", images.path).status == 0)
        try images.overwrite(at: 65536 + 1024, with: [UInt8](repeating: 0xa5, count: 512))
        let dry = try ToolRun("replay", "--dry-run", images.path)
        #expect(dry.status == 3 && dry.errors.contains("superblock is damaged"), "\(dry)")
        let inspection = try ToolRun("inspect", images.path)
        #expect(inspection.errors.contains("does not tell whether there was a log"), "\(inspection)")
        #expect(inspection.text.contains("no log is known"), "\(inspection)")
        let run = try ToolRun("replay", "--json", images.path)
        #expect(try run.json()["result"]?.string == "superblocks_repaired", "\(run)")
        try images.expectReplayedState(try ToolRun("state", images.path))
        #expect(try ToolRun("info", images.path).errors == "")
    }

    @Test func aLogIsNotThrownAwayWithATornSuperblock() throws {
        let images = try Images("two_subvolumes")
        try images.overwrite(at: 65536 + 1024, with: [UInt8](repeating: 0xa5, count: 512))
        let run = try ToolRun("replay", images.path)
        #expect(run.status == 1 && run.errors.contains("would throw the log away"), "\(run)")
    }
}
