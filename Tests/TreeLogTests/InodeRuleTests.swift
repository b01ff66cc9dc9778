import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What a logged inode item does to the subvolume.
@Suite struct InodeRuleTests {
    @Test func newFileComesWithItsNameAndLoggedFields() throws {
        var scene = try Scene()
        var item = scene.item(size: 5)
        item.nbytes = 0xdead_beef_dead_beef  // What the kernel leaves there is not to be believed.
        scene.inode(300, item)
        scene.reference(300, [(50, "new")])
        scene.inlineExtent(300, "hello")
        let outcome = try scene.replay()
        let inode = try #require(try outcome.inode(300))
        #expect(inode.size == 5 && inode.nbytes == 5 && inode.nlink == 1)
        #expect(inode.mtime == item.mtime)
        #expect(try outcome.target("new") == 300)
        try scene.expectWhole(outcome)
    }

    @Test func reservedBytesBecomeZero() throws {
        var scene = try Scene()
        var bytes = scene.item().encoded
        for at in 80..<112 { bytes[at] = 0x5a }
        scene.log.add(Key(ObjectID(300), .inodeItem, 0), bytes)
        scene.reference(300, [(50, "new")])
        let outcome = try scene.replay()
        let cursor = outcome.names.tree.makeCursor()
        try #require(try cursor.seek(Key(ObjectID(300), .inodeItem, 0)))
        #expect(cursor.data.copied[80..<112].allSatisfy { $0 == 0 })
    }

    @Test func generationZeroChangesOnlyTheSizeOfAFile() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(mode: 0o100600, size: 4, generation: 0))
        let outcome = try scene.replay()
        let inode = try #require(try outcome.inode(258))
        #expect(inode.size == 4 && inode.mode == 0o100644 && inode.generation == 8)
    }

    @Test func generationZeroOfANewInodeBecomesThatOfTheTransaction() throws {
        var scene = try Scene()
        scene.inode(300, scene.item(generation: 0))
        scene.reference(300, [(50, "new")])
        let outcome = try scene.replay()
        #expect(try outcome.inode(300)?.generation == scene.generation)
        try scene.expectWhole(outcome)
    }

    @Test func directoryKeepsTheSizeOfItsNames() throws {
        var scene = try Scene()
        scene.inode(257, scene.item(mode: 0o040700, size: 999, generation: 8))
        let outcome = try scene.replay()
        let inode = try #require(try outcome.inode(257))
        #expect(inode.size == 20 * 2 * 3 && inode.mode == 0o040700)
    }

    @Test func xattrsThatTheLogLacksAreRemoved() throws {
        var first = try Scene()
        first.inode(258, first.item(size: 10, generation: 8))
        first.xattr(258, "user.a", "1")
        first.xattr(258, "user.b", "2")
        try first.expectWhole(try first.replay())
        // The replayed state is now the committed one.
        var second = first
        second.log = try LogBuilder(first.devices)
        second.inode(258, second.item(size: 10, generation: 8))
        second.xattr(258, "user.b", "3")
        let outcome = try second.replay()
        let xattrs = try outcome.names.xattrs(of: ObjectID(258))
        #expect(xattrs == [Xattr(name: Array("user.b".utf8), value: Array("3".utf8))])
        #expect(outcome.subvolume.tolerated[.removedXattrs] == 1)
    }

    @Test func inodeWithoutANameIsPassedOverInAllStages() throws {
        var scene = try Scene()
        scene.inode(300, scene.item(nlink: 0))
        scene.reference(300, [(50, "gone")])
        // Would be refused: it lies over used space.
        scene.extent(300, at: 0, 30_670_848, count: 4096)
        scene.file(301, "next", at: 51)
        let outcome = try scene.replay()
        #expect(try outcome.inode(300) == nil)
        #expect(try outcome.target("gone") == nil)
        #expect(try outcome.target("next") == 301)
        #expect(outcome.subvolume.ignoredInodeCount == 1)
    }

    @Test func linkCountIsTheNumberOfNames() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(size: 10, nlink: 77, generation: 8))
        scene.reference(258, [(2, "f00"), (60, "second"), (61, "third")])
        let outcome = try scene.replay()
        #expect(try outcome.inode(258)?.nlink == 3)
        try scene.expectWhole(outcome)
    }

    @Test func inodeWithoutAnyReferenceKeepsItsNames() throws {
        var scene = try Scene()
        scene.inode(258, scene.item(size: 3, generation: 8))
        scene.inlineExtent(258, "abc")
        let outcome = try scene.replay()
        #expect(try outcome.target("f00") == 258)
        #expect(try outcome.inode(258)?.nlink == 1)
        #expect(try outcome.inode(258)?.nbytes == 3)
    }

    /// Linux shows flags by the property, whatever the inode item says: a log may bring the one without the other.
    @Test(arguments: [("zlib", 0x4), ("zstd:3", 0x4), ("none", 0x400), ("", 0)] as [(String, Int64)])
    func compressionPropertyCounts(value: String, flags: Int64) throws {
        var scene = try Scene()
        scene.file(300, "new", at: 50)
        scene.xattr(300, "btrfs.compression", value)
        let outcome = try scene.replay()
        let files = VolumeFiles(outcome.transaction.volume) { id throws(VolumeError) in
            try outcome.transaction.tree(id)
        }
        let state = try Replays.state(of: files)
        #expect(state["subvolumes"]?["/"]?["inodes"]?["300"]?["flags"]?.integer == flags)
    }
}
