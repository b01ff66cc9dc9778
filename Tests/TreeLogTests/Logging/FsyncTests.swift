import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What an fsync makes durable, by the log alone.
@Suite struct FsyncTests {
    private func expectLogged(_ outcome: SyncOutcome, sourceLocation: SourceLocation = #_sourceLocation) {
        guard case .logged = outcome else {
            Issue.record("\(outcome)", sourceLocation: sourceLocation)
            return
        }
    }

    @Test func aNewFileIsThereAfterACrash() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.makeDirectory("/dir")
        try fs.create("/dir/file")
        try fs.write("/dir/file", at: 0, [UInt8](repeating: 7, count: 10_000))
        expectLogged(try fs.fsync("/dir/file"))
        // The directory with the new name was not synced.
        let differences = try volume.differencesAfterCrash(masks: ["/:256:mtime"])
        #expect(differences.isEmpty, "\(differences)")
        #expect(try fs.fsync("/dir/file") == .nothingToDo)
    }

    /// Of the logs of many subvolumes only the one is written that has changed, and in the tree of logs the way to it.
    @Test func logsThatDidNotChangeAreNotWritten() throws {
        let volume = try MountedVolume("mix_a.n4096")
        let fs = volume.fileSystem
        let files = (0..<20).map { "/s\($0)/f" }
        for file in files { _ = try fs.createSubvolume(String(file.dropLast(2))) }
        try fs.sync()
        for file in files {
            try fs.create(file)
            expectLogged(try fs.fsync(file))
        }
        try fs.changeMode(files[0], to: 0o600)
        #expect(try fs.fsync(files[0]) == .logged(byteCount: 3 * 4096))
        let crashed = try FileSystem(mountingCut: volume.crash())
        for file in files { #expect(try crashed.exists(file)) }
        try fs.sync()
        #expect(fs.volume.superblock.logRootLevel == 0)
    }

    /// A log block goes where the version before the last was, of which only the sectors are written that differ: the
    /// header and the changed items. The tree of logs and the nodes in between name, in turns, the same two places.
    @Test func onlyChangedSectorsAreWritten() throws {
        let volume = try MountedVolume(empty: 256 << 20)
        let fs = volume.fileSystem
        try fs.sync()
        var sectors: [UInt64] = []
        for number in 0..<40 {
            try fs.create("/f\(number)")
            try fs.write("/f\(number)", at: 0, [UInt8](repeating: UInt8(number), count: 1000))
            guard case .logged(let byteCount) = try fs.fsync("/f\(number)") else { throw Unexpected() }
            sectors.append(byteCount / 4096)
            // The directory was not synced.
            let differences = try volume.differencesAfterCrash(masks: ["/:256:mtime", "/:256:ctime"])
            #expect(differences.isEmpty, "\(differences)")
        }
        #expect(sectors.prefix(2) == [8, 8])
        // There is a second leaf from the thirteenth file on, and then a third one.
        #expect(sectors.count { $0 <= 3 } > 30, "\(sectors)")
    }

    private struct Unexpected: Error {}

    /// A commit has all that the log was still to be told; the next log begins with what is synced then.
    @Test func nothingFromBeforeACommitIsLoggedAfterIt() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        _ = try fs.createSubvolume("/sub")
        try fs.makeDirectory("/dir")
        try fs.sync()
        for name in ["/sub/gone", "/dir/gone", "/dir/moved", "/open"] { try fs.create(name) }
        try fs.write("/open", at: 0, [UInt8](repeating: 1, count: 8192))
        let open = try fs.open("/open")
        for name in ["/sub", "/sub/gone", "/dir", "/dir/moved", "/dir/gone"] { expectLogged(try fs.fsync(name)) }
        for name in ["/sub/gone", "/dir/gone"] { try fs.unlink(name) }
        try fs.rename("/dir/moved", to: "/dir/new")
        try fs.sync()
        try fs.write("/open", at: 4096, [UInt8](repeating: 2, count: 4096))
        // A leaf, and one of the tree of logs.
        #expect(try fs.fsync(open) == .logged(byteCount: 2 * UInt64(fs.volume.nodeSize)))
        let items = try LogBuilder(volume.crash(), startingWith: .presentLog).items[.fileTree] ?? []
        let inode = try fs.stat("/open").location.inode
        #expect(items.allSatisfy { $0.key.objectID == inode || $0.key.type == .extentChecksum }, "\(items.map(\.key))")
        #expect(items.filter { $0.key.type == .extentData }.map(\.key.offset) == [4096])
        try fs.close(open)
        // What the directory had at the commit is not new any more.
        try fs.create("/dir/later")
        let entries = try volume.fsync("/dir").filter { $0.contains(": entry ") }
        #expect(entries.count == 1 && entries[0].hasSuffix("later"), "\(entries)")
    }

    /// Beside its place the root item of a log is as Linux writes it.
    @Test func theRootItemOfALog() throws {
        func rootItem(of devices: [MemoryDevice]) throws -> RootItem {
            let cursor = try #require(try Volume(opening: devices).logRootTree()).makeCursor()
            try cursor.seek(.minimum)
            return try RootItem(cursor.data)
        }
        let linux = try rootItem(of: try Corpus.image(named: "chmod_fsync").load())
        let volume = try MountedVolume()
        try volume.fileSystem.create("/f")
        try volume.fsync("/f")
        var item = try rootItem(of: volume.crash())
        item.move(to: linux.address, level: linux.level, generation: linux.generation)
        #expect(item == linux)
    }

    /// What was renamed is logged with the next fsync, also with one in another subvolume: after it a new file can have
    /// the name that is free.
    @Test func aRenameInAnotherSubvolume() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        _ = try fs.createSubvolume("/sub")
        try fs.sync()
        for name in ["/sub/a", "/f"] { try fs.create(name) }
        expectLogged(try fs.fsync("/sub/a"))
        try fs.rename("/sub/a", to: "/sub/b")
        expectLogged(try fs.fsync("/f"))
        #expect(try FileSystem(mountingCut: volume.crash()).exists("/sub/b"))
        try fs.create("/sub/a")
        expectLogged(try fs.fsync("/sub/a"))
        let crashed = try FileSystem(mountingCut: volume.crash())
        for name in ["/sub/a", "/sub/b", "/f"] { #expect(try crashed.exists(name)) }
    }

    @Test func nothingElseIsThere() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.create("/one")
        try fs.create("/two")
        expectLogged(try fs.fsync("/one"))
        let state = try "\(volume.stateAfterCrash())"
        #expect(state.contains("one"))
        #expect(!state.contains("two"))
    }

    /// Else the log would get longer with each fsync of the same block.
    @Test func checksumsOfOverwrittenDataLeaveTheLog() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.create("/f")
        try fs.write("/f", at: 0, [UInt8](repeating: 7, count: 200_000))
        try fs.sync()
        for round in 0..<20 {
            // In the middle of an extent of the log, and all of it.
            try fs.write("/f", at: 8192, [UInt8](repeating: UInt8(round), count: round % 2 == 0 ? 4096 : 12_288))
            expectLogged(try fs.fsync("/f"))
        }
        let log = try LogBuilder(volume.crash(), startingWith: .presentLog)
        let sums = log.items[.fileTree]?.filter { $0.key.type == .extentChecksum }.map(\.data.count).reduce(0, +)
        #expect(sums == 3 * 4)
        let differences = try volume.differencesAfterCrash()
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test(arguments: ["chmod_fsync", "mix_a.holes", "mix_a.n4096", "mix_a.mixed", "mix_a.no-skinny", "mix_a.raid1"])
    func overwritesAndHoles(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        var generator = SeededGenerator(seed: 3)
        try fs.create("/f")
        try fs.write("/f", at: 0, generator.bytes(200_000))
        try fs.sync()
        try fs.write("/f", at: 50_000, generator.bytes(10_000))
        expectLogged(try fs.fsync("/f"))
        try fs.write("/f", at: 55_000, generator.bytes(20_000))
        try fs.write("/f", at: 300_000, generator.bytes(100))
        expectLogged(try fs.fsync("/f"))
        try fs.truncate("/f", to: 100_000)
        try fs.truncate("/f", to: 180_000)
        expectLogged(try fs.fsync("/f"))
        var differences = try volume.differencesAfterCrash()
        #expect(differences.isEmpty, "\(differences)")
        try fs.write("/f", at: 0, [1, 2, 3])
        expectLogged(try fs.fsync("/f"))
        differences = try volume.differencesAfterCrash()
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test func namesThatCameAndWent() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.makeDirectory("/dd")
        for name in ["a", "b", "c", "e"] { try fs.create("/dd/\(name)") }
        try fs.sync()
        try fs.unlink("/dd/b")
        try fs.link("/dd/a", to: "/dd/l")
        try fs.create("/dd/new")
        try fs.makeSymlink("/dd/s", to: "somewhere")
        expectLogged(try fs.fsync("/dd"))
        var differences = try volume.differencesAfterCrash()
        #expect(differences.isEmpty, "\(differences)")
        try fs.unlink("/dd/new")
        try fs.unlink("/dd/l")
        try fs.create("/dd/new")
        try fs.write("/dd/new", at: 0, [1])
        expectLogged(try fs.fsync("/dd/new"))
        expectLogged(try fs.fsync("/dd"))
        differences = try volume.differencesAfterCrash()
        #expect(differences.isEmpty, "\(differences)")
    }

    /// The replay brings what was synced into a directory that still has the subvolume.
    @Test func theIndexOfADeletedSubvolumeIsNotUsedAgain() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.createSubvolume("/sub")
        try fs.sync()
        try fs.deleteSubvolume("/sub")
        try fs.create("/new")
        expectLogged(try fs.fsync("/new"))
        let after = try FileSystem(mounting: volume.crash())
        #expect(try after.exists("/new") && after.exists("/sub"))
    }

    /// A name that was made durable has the old file or the new one after each crash, also where something else was
    /// synced.
    @Test(arguments: [RenameFlags(), .exchange]) func aRenameLosesNoDurableName(flags: RenameFlags) throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        try fs.makeDirectory("/aa")
        try fs.makeDirectory("/bb")
        try fs.sync()
        try fs.create("/aa/bar")
        try fs.write("/aa/bar", at: 0, Array("old".utf8))
        expectLogged(try fs.fsync("/aa/bar"))
        try fs.create("/bb/bar")
        try fs.write("/bb/bar", at: 0, Array("new".utf8))
        try fs.rename("/bb/bar", to: "/aa/bar", flags)
        try fs.create("/aa/foo")
        expectLogged(try fs.fsync("/aa/foo"))
        let crashed = try FileSystem(mounting: volume.crash())
        #expect(try crashed.read("/aa/bar") == Array("new".utf8))
        if flags == .exchange { #expect(try crashed.read("/bb/bar") == Array("old".utf8)) }
    }

    /// Two files that were there before exchange their names, and one of them is synced.
    @Test func anExchangeLosesNoDurableName() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        for name in ["one", "two"] {
            try fs.create("/\(name)")
            try fs.write("/\(name)", at: 0, Array(name.utf8))
        }
        try fs.sync()
        try fs.rename("/one", to: "/two", .exchange)
        expectLogged(try fs.fsync("/two"))
        let crashed = try FileSystem(mounting: volume.crash())
        #expect(try crashed.read("/two") == Array("one".utf8))
        #expect(try crashed.read("/one") == Array("two".utf8))
    }

    /// A file that was synced under a new name, and deleted after that, does not come back with the old one.
    @Test func aDeletedFileGetsNoOldNameBack() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        for name in ["/old", "/other"] { try fs.create(name) }
        try fs.sync()
        try fs.rename("/old", to: "/new")
        expectLogged(try fs.fsync("/new"))
        try fs.unlink("/new")
        try fs.changeMode("/other", to: 0o600)
        expectLogged(try fs.fsync("/other"))
        #expect(try !FileSystem(mounting: volume.crash()).exists("/old"))
    }

    /// A new file does not get the number of one that is gone: the log would mix them up.
    @Test func numbersOfInodesAreNotUsedAgain() throws {
        let prepared = try MountedVolume()
        let last = try prepared.fileSystem.makeDirectory("/last").inode
        try prepared.fileSystem.unmount()
        let volume = try MountedVolume(mounting: prepared.devices)
        let fs = volume.fileSystem
        try fs.removeDirectory("/last")
        #expect(try fs.create("/new").inode > last)
        expectLogged(try fs.fsync("/new"))
        #expect(try FileSystem(mounting: volume.crash()).exists("/new"))
    }

    /// A file that was cut off, synced, and made longer again has zeros there, and not what was committed.
    @Test(arguments: ["chmod_fsync", "mix_a.holes"]) func whatAFileGainsIsZeros(image: String) throws {
        let volume = try MountedVolume(image)
        let fs = volume.fileSystem
        try fs.create("/file")
        try fs.write("/file", at: 0, [UInt8](repeating: 7, count: 65_536))
        try fs.sync()
        try fs.truncate("/file", to: 30_000)
        expectLogged(try fs.fsync("/file"))
        try fs.truncate("/file", to: 60_000)
        expectLogged(try fs.fsync("/file"))
        let expected = [UInt8](repeating: 7, count: 30_000) + [UInt8](repeating: 0, count: 30_000)
        #expect(try FileSystem(mounting: volume.crash()).read("/file") == expected)
    }
}
