import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing
import TreeLog

/// What logged names and ranges do to the directories of the subvolume.
@Suite struct NameRuleTests {
    // MARK: Deletions

    @Test func namesInARangeThatTheLogLacksGo() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        scene.range(3, 4)
        scene.range(20, .max)
        scene.index(21, "f19", 277)
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == 258)
        #expect(try outcome.target("f01") == nil && outcome.target("f02") == nil)
        #expect(try outcome.target("f18") == nil && outcome.target("f19") == 277)
        for inode in [UInt64(259), 260, 276] { #expect(try outcome.isDeleted(inode)) }
        #expect(try outcome.inode(257)?.size == 17 * 6)
        try scene.expectWhole(outcome)
    }

    @Test func overlappingRangesAreOneRange() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        for start in UInt64(2)..<12 { scene.range(start, 15) }
        let outcome = try scene.replay()
        #expect(try outcome.target("f13") == nil && outcome.target("f14") == 272)
        #expect(try outcome.inode(257)?.size == 6 * 6)
    }

    @Test func withoutRangesNothingIsDeletedAndNamesAreAdded() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        scene.index(30, "new", 300)
        scene.file(300, "new", at: 30)
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == 258)
        #expect(try outcome.target("new") == 300)
        try scene.expectWhole(outcome)
    }

    @Test func rangeOfADirectoryThatDoesNotExistDoesNothing() throws {
        var scene = try Scene()
        scene.range(2, .max, of: 999)
        #expect(try scene.replay().target("f00") == 258)
    }

    @Test func aDirectoryWithoutANameLosesItsFiles() throws {
        var scene = try Scene()
        scene.inode(256, scene.item(mode: 0o040755, generation: 3))
        scene.range(2, .max, of: 256)
        let outcome = try scene.replay()
        #expect(try outcome.target("d", in: 256) == nil)
        #expect(try outcome.isDeleted(257) && outcome.isDeleted(258) && outcome.isDeleted(277))
        try scene.expectWhole(outcome)
    }

    // MARK: Entries

    @Test func entryWithoutReferenceInTheLogIsAddedWithOne() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        scene.index(40, "again", 258)
        let outcome = try scene.replay()
        #expect(try outcome.target("again") == 258)
        #expect(try outcome.inode(258)?.nlink == 2)
        #expect(try outcome.namesOf(258) == ["f00", "again"])
        try scene.expectWhole(outcome)
    }

    @Test func entryOfAMissingInodeIsDropped() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        scene.index(40, "dangling", 900)
        let outcome = try scene.replay()
        #expect(try outcome.target("dangling") == nil)
        #expect(outcome.subvolume.passedOver.count == 1)
        guard case .notTolerated(.danglingNames, _, _) = try scene.failure(policy: "strict").cause else {
            Issue.record("strict tolerates it")
            return
        }
    }

    @Test func entryTakesTheNameFromAnotherInode() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        scene.index(2, "f00", 259)
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == 259)
        #expect(try outcome.isDeleted(258))
        #expect(try outcome.inode(259)?.nlink == 2)
        try scene.expectWhole(outcome)
    }

    @Test func entryInAMissingDirectoryIsAnError() throws {
        var scene = try Scene()
        scene.index(2, "x", 258, in: 900)
        let error = try scene.failure()
        guard case .missingDirectory(ObjectID(900)) = error.cause else {
            Issue.record("\(error)")
            return
        }
        #expect(error.place.key == Key(ObjectID(900), .dirIndex, 2))
        #expect(error.place.stage == .directoryIndex && error.place.slot == 0 && error.place.block != nil)
    }

    @Test func subvolumeEntryIsNeverInserted() throws {
        var scene = try Scene()
        scene.index(40, "sub", 258, type: .directory, location: .rootItem)
        let error = try scene.failure()
        guard case .refused = error.cause else {
            Issue.record("\(error)")
            return
        }
    }

    // MARK: References

    @Test func renamedFileLosesItsOldName() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(size: 10, generation: 8))
        scene.reference(258, [(50, "renamed")])
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == nil)
        #expect(try outcome.target("renamed") == 258)
        #expect(try outcome.inode(258)?.nlink == 1)
        try scene.expectWhole(outcome)
    }

    @Test func newFileTakesTheNameOfADeletedOne() throws {
        var scene = try Scene()
        scene.file(300, "f00", at: 50)
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == 300)
        #expect(try outcome.isDeleted(258))
        try scene.expectWhole(outcome)
    }

    @Test func ofTwoInodesWithOneNameTheHigherWins() throws {
        var scene = try Scene()
        scene.file(300, "both", at: 50)
        scene.file(301, "both", at: 51)
        let outcome = try scene.replay()
        #expect(try outcome.target("both") == 301)
        #expect(try outcome.isDeleted(300))
        try scene.expectWhole(outcome)
    }

    @Test func namesSwappedBetweenTwoFiles() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(size: 10, generation: 8))
        scene.reference(258, [(50, "f01")])
        scene.inode(259, scene.item(size: 10, generation: 8))
        scene.reference(259, [(51, "f00")])
        let outcome = try scene.replay()
        #expect(try outcome.target("f01") == 258 && outcome.target("f00") == 259)
        #expect(try outcome.inode(258)?.nlink == 1 && outcome.inode(259)?.nlink == 1)
        try scene.expectWhole(outcome)
    }

    @Test func sameNameAtANewIndex() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(size: 10, generation: 8))
        scene.reference(258, [(50, "f00")])
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == 258)
        #expect(try outcome.names.entry(at: 2, in: Scene.directory) == nil)
        #expect(try outcome.names.entry(at: 50, in: Scene.directory)?.name == Array("f00".utf8))
        try scene.expectWhole(outcome)
    }

    @Test func referenceOfAMissingInodeIsAnError() throws {
        var scene = try Scene()
        scene.reference(900, [(50, "x")])
        guard case .missingInode(ObjectID(900)) = try scene.failure().cause else {
            Issue.record("no such inode")
            return
        }
    }

    @Test func referenceToAMissingDirectoryIsSkippedAndTheFileDisappears() throws {
        var scene = try Scene()
        scene.inode(300, scene.item())
        scene.reference(300, in: 900, [(50, "x")])
        let outcome = try scene.replay()
        #expect(try outcome.isDeleted(300))
        #expect(outcome.subvolume.tolerated[.missingParents] == 1)
        try scene.expectWhole(outcome)
    }

    @Test func twoNamesAtOneIndexAreAnError() throws {
        var scene = try Scene()
        scene.inode(300, scene.item())
        scene.reference(300, [(50, "x"), (50, "y")])
        guard case .indexTaken(Scene.directory, 50) = try scene.failure().cause else {
            Issue.record("an index was used twice")
            return
        }
    }

    @Test func indexOfAnotherNameIsAnErrorAndSalvageMovesTheNewName() throws {
        var scene = try Scene()
        scene.file(300, "new", at: 2)
        guard case .indexTaken(Scene.directory, 2) = try scene.failure().cause else {
            Issue.record("an index was used twice")
            return
        }
        let outcome = try scene.replay(policy: "salvage")
        #expect(try outcome.target("new") == 300 && outcome.target("f00") == 258)
        #expect(!outcome.report.isPartial)
        try scene.expectWhole(outcome)
    }

    @Test func extendedReferencesAreNamesToo() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(size: 10, nlink: 2, generation: 8))
        scene.reference(258, [(2, "f00")])
        let name = Array("extended".utf8)
        scene.log.add(
            Key(ObjectID(258), .inodeExtref, NameHash.extref(parent: Scene.directory, name.rawSpan)),
            InodeExtrefs.entry(parent: Scene.directory, index: 60, name: name.rawSpan))
        let outcome = try scene.replay()
        #expect(try outcome.target("extended") == 258)
        #expect(try outcome.inode(258)?.nlink == 2)
        try scene.expectWhole(outcome)
    }

    /// The links of a new file with one name and one link are not counted; these are.
    @Test func wrongLinkCountsOfNewFilesBecomeRight() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040755, generation: 8))
        scene.index(54, "e", 302)
        scene.inode(300, scene.item(size: 10, nlink: 1, generation: 8))
        scene.reference(300, [(50, "a"), (51, "b")])
        scene.inode(301, scene.item(size: 10, nlink: 3, generation: 8))
        scene.reference(301, [(52, "c")])
        scene.inode(302, scene.item(size: 10, nlink: 1, generation: 8))
        scene.reference(302, [(53, "d")])
        let outcome = try scene.replay()
        #expect(try outcome.inode(300)?.nlink == 2)
        #expect(try outcome.inode(301)?.nlink == 1)
        #expect(try outcome.inode(302)?.nlink == 1)
        #expect(try outcome.target("e") == nil)
        try scene.expectWhole(outcome)
    }

    @Test func nameGoesFromReferenceToExtendedReference() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(size: 10, nlink: 1, generation: 8))
        let name = Array("f00".utf8)
        scene.log.add(
            Key(ObjectID(258), .inodeExtref, NameHash.extref(parent: Scene.directory, name.rawSpan)),
            InodeExtrefs.entry(parent: Scene.directory, index: 60, name: name.rawSpan))
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == 258)
        #expect(try outcome.inode(258)?.nlink == 1)
        try scene.expectWhole(outcome)
    }

    @Test func referenceItemThatGrowsBeyondHalfALeaf() throws {
        var scene = try Scene()
        let committed = (0..<200).map { (UInt64(100 + $0), "a-rather-long-name-\($0)") }
        scene.inode(258, scene.item(size: 10, generation: 8))
        scene.reference(258, [(2, "f00")] + committed)
        try scene.expectWhole(try scene.replay())
        scene.log = try LogBuilder(scene.devices)
        let more = (0..<400).map { (UInt64(100 + $0), "a-rather-long-name-\($0)") }
        scene.inode(258, scene.item(size: 10, generation: 8))
        scene.reference(258, [(2, "f00")] + more)
        let outcome = try scene.replay()
        #expect(try outcome.inode(258)?.nlink == 401)
        try scene.expectWhole(outcome)
    }
}
