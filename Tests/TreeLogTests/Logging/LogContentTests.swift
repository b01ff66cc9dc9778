import BtrfsFormat
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What an fsync puts into the log: all that a replay needs, and nothing that the last commit has.
@Suite struct LogContentTests {
    let volume: MountedVolume
    let fs: FileSystem

    init() throws {
        volume = try MountedVolume(empty: 128 << 20)
        fs = volume.fileSystem
    }

    private func data(_ sectors: Int, of byte: UInt8 = 7) -> [UInt8] { [UInt8](repeating: byte, count: sectors * 4096) }

    private func expectLog(_ expected: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let log = try volume.log()
        #expect(log == expected, "\(log)", sourceLocation: sourceLocation)
    }

    private func expectSameAfterCrash(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let differences = try volume.differencesAfterCrash()
        #expect(differences.isEmpty, "\(differences)", sourceLocation: sourceLocation)
    }

    // MARK: Inodes

    /// All of the file; of the new directories above only that they exist; of their names none.
    @Test func aNewFileWithItsNewDirectories() throws {
        try fs.makeDirectory("/c")
        try fs.makeDirectory("/c/d")
        try fs.create("/c/other")
        try fs.create("/c/d/f")
        try fs.write("/c/d/f", at: 0, data(2))
        try fs.setXattr("/c/d/f", "user.x", [1])
        try fs.setXattr("/c/d", "user.y", [1])
        try volume.fsync("/c/d/f")
        try expectLog([
            "c: exists 755", "c: name c in /",
            "d: exists 755", "d: name d in c", "d: xattr user.y",
            "f: inode 644 size 8192", "f: name f in d", "f: xattr user.x", "f: regular 0..<8192", "2 checksums",
        ])
    }

    /// A new directory that is in the log is not put there again with each new file.
    @Test func aNewDirectoryIsLoggedOnce() throws {
        try fs.makeDirectory("/d")
        try fs.create("/d/f")
        try volume.fsync("/d/f")
        try fs.changeMode("/d", to: 0o700)
        try fs.create("/d/g")
        #expect(try volume.fsync("/d/g") == ["g: inode 644 size 0", "g: name g in d"])
    }

    /// References and xattrs are looked at by the first fsync, and by later ones only where some have changed.
    @Test func contentIsLoggedWithoutNames() throws {
        for name in ["/a", "/b"] { try fs.create(name) }
        try fs.sync()
        try fs.rename("/b", to: "/c")
        try fs.rename("/a", to: "/b")
        try volume.fsync("/b")
        #expect(try volume.log().contains("c: exists 644 size 0"))
        try fs.changeMode("/c", to: 0o600)
        try fs.write("/b", at: 0, data(1))
        #expect(
            try volume.fsync("/b") == [
                "b: inode 644 size 4096", "b: regular 0..<4096", "1 checksums",
            ])
        try fs.setXattr("/b", "user.x", [1])
        #expect(try volume.fsync("/b").contains("b: xattr user.x"))
    }

    /// Items that are in the log as they are do not dirty its blocks.
    @Test func whatIsInTheLogIsNotWrittenAgain() throws {
        try fs.create("/f")
        for number in 0..<30 { try fs.setXattr("/f", "user.\(number)", [UInt8](repeating: 1, count: 3000)) }
        let all = try #require(try fs.fsync("/f").loggedByteCount)
        try fs.setXattr("/f", "user.0", [2])
        #expect(try #require(try fs.fsync("/f").loggedByteCount) < all)
    }

    /// Of a file that is in the log, only the extents that changed since then are put there anew.
    @Test func extentsInTheLogAreNotWrittenAgain() throws {
        try fs.create("/f")
        for piece in 0..<1000 { try fs.write("/f", at: UInt64(piece) * 8192, data(1)) }
        let all = try #require(try fs.fsync("/f").loggedByteCount)
        try fs.write("/f", at: 0, data(1))
        #expect(try #require(try fs.fsync("/f").loggedByteCount) < all / 2)
    }

    /// Xattrs that go with other changes: the permissions of an access list with the mode, capabilities with the content.
    @Test func xattrsThatChangeWithOtherThings() throws {
        try fs.create("/f")
        try fs.sync()
        let entries: [(tag: UInt8, permissions: UInt8)] = [(1, 6), (2, 6), (4, 4), (16, 6), (32, 4)]
        let list = entries.flatMap { [$0.tag, 0, $0.permissions, 0] + [UInt8](repeating: $0.tag == 2 ? 9 : 255, count: 4) }
        try fs.setXattr("/f", "system.posix_acl_access", [2, 0, 0, 0] + list)
        try fs.setXattr("/f", "security.capability", [1])
        try volume.fsync("/f")
        try fs.changeMode("/f", to: 0o600)
        try volume.fsync("/f")
        try expectSameAfterCrash()
        try fs.write("/f", at: 0, data(1))
        try volume.fsync("/f")
        try expectSameAfterCrash()
    }

    @Test func anXattrThatWentLeavesTheLog() throws {
        try fs.create("/f")
        try fs.setXattr("/f", "user.x", [1])
        try volume.fsync("/f")
        try fs.removeXattr("/f", "user.x")
        try volume.fsync("/f")
        try expectLog(["f: inode 644 size 0", "f: name f in /"])
    }

    /// A file that only has to exist keeps its committed content, so the size is not more than that goes with.
    @Test func aFileThatOnlyExistsKeepsItsContent() throws {
        for name in ["/long", "/short"] {
            try fs.create(name)
            try fs.write(name, at: 0, data(4))
        }
        try fs.sync()
        for name in ["long", "short"] { try fs.link("/\(name)", to: "/\(name).link") }
        try fs.write("/long", at: 0, data(8, of: 9))
        try fs.truncate("/short", to: 4096)
        try volume.fsync("/")
        let log = try volume.log()
        #expect(log.contains("long: exists 644 size 16384"))
        #expect(log.contains("short: exists 644 size 4096"))
        #expect(!log.contains { $0.contains("regular") })
        #expect(try FileSystem(mounting: volume.crash()).read("/long") == data(4))
    }

    /// What was logged with its content stays so when only its new name has to be told.
    @Test func aLoggedFileKeepsItsLoggedContent() throws {
        try fs.create("/f")
        try fs.write("/f", at: 0, data(2))
        try volume.fsync("/f")
        try fs.write("/f", at: 0, data(4, of: 9))
        try fs.link("/f", to: "/f.link")
        try fs.create("/g")
        try volume.fsync("/g")
        let log = try volume.log()
        #expect(log.contains("f: inode 644 size 8192"))
        #expect(log.contains("f: name f.link in /"))
        #expect(try FileSystem(mounting: volume.crash()).read("/f.link") == data(2))
    }

    /// A symbolic link is never without its text.
    @Test func aSymbolicLinkIsLoggedWithItsText() throws {
        try fs.makeSymlink("/s", to: "somewhere")
        try volume.fsync("/")
        #expect(try volume.log().contains("s: inline 0..<9"))
    }

    /// Items of plugins, each by the rule of its type; what changed is counted from the last commit on.
    @Test func itemsByTheRuleOfTheirType() throws {
        var options = MountOptions()
        for (number, rule) in [(98, ItemType.Logging.withInode), (99, .ifChanged), (100, .never)] {
            var type = ItemType.custom(name: "TYPE\(number)", keyType: KeyType(UInt8(number)))
            type.logging = rule
            try options.registry.itemTypes.register(type)
        }
        let volume = try MountedVolume(mounting: self.volume.crash(), options)
        let fs = volume.fileSystem
        try fs.create("/f")
        let file = try fs.open("/f")
        func put(_ offset: UInt64) throws {
            for type in UInt8(98)...100 { try fs.putItem("/f", KeyType(type), at: offset, [1]) }
        }
        for offset in UInt64(1)...2 { try put(offset) }
        try fs.sync()
        for offset in UInt64(2)...3 { try put(offset) }
        try volume.fsync("/f")
        let items = ["f: item 98 1", "f: item 98 2", "f: item 98 3", "f: item 99 2", "f: item 99 3"]
        #expect(try volume.log().filter { $0.contains("item") } == items)
        for type in UInt8(98)...100 { try fs.deleteItem("/f", KeyType(type), at: 3) }
        try volume.fsync("/f")
        #expect(try volume.log().filter { $0.contains("item") } == ["f: item 98 1", "f: item 98 2", "f: item 99 2"])
        try fs.sync()
        try fs.changeMode("/f", to: 0o600)
        #expect(try fs.fsync(file).isLogged)
        #expect(try volume.log() == ["f: inode 600 size 0", "f: name f in /", "f: item 98 1", "f: item 98 2"])
    }

    // MARK: Content

    /// Extents of earlier transactions are where they were.
    @Test func extentsThatChanged() throws {
        try fs.create("/f")
        try fs.write("/f", at: 0, data(2))
        try fs.write("/f", at: 2 * 4096, data(2))
        try fs.sync()
        try fs.write("/f", at: 3 * 4096, data(2, of: 9))
        try volume.fsync("/f")
        try expectLog([
            "f: inode 644 size 20480", "f: name f in /", "f: regular 12288..<20480", "2 checksums",
        ])
        try fs.truncate("/f", to: 5000)
        try volume.fsync("/f")
        try expectLog(["f: inode 644 size 5000", "f: name f in /"])
        try expectSameAfterCrash()
    }

    /// A replay removes what lies behind the end of the file, so all of that is logged, whenever it was allocated.
    @Test func preallocationBehindTheEnd() throws {
        try fs.create("/f")
        try fs.write("/f", at: 0, data(1))
        try fs.allocate("/f", at: 4096, count: 8192, keepSize: true)
        try fs.sync()
        try fs.changeMode("/f", to: 0o600)
        try volume.fsync("/f")
        try expectLog(["f: inode 600 size 4096", "f: name f in /", "f: prealloc 4096..<12288"])
        try fs.truncate("/f", to: 65536)
        try fs.allocate("/f", at: 40960, count: 8192)
        try volume.fsync("/f")
        try expectLog([
            "f: inode 600 size 65536", "f: name f in /",
            "f: hole 12288..<40960", "f: prealloc 40960..<49152", "f: hole 49152..<65536",
        ])
        try expectSameAfterCrash()
    }

    /// A gap has no item in the subvolume and one in the log, up to the end of the file and not behind it.
    @Test func holes() throws {
        try fs.create("/f")
        try fs.write("/f", at: 0, data(8))
        try fs.sync()
        try fs.punchHole("/f", at: 4096, count: 8192)
        try fs.truncate("/f", to: 40_000)
        try volume.fsync("/f")
        try expectLog([
            "f: inode 644 size 40000", "f: name f in /", "f: hole 4096..<12288", "f: hole 32768..<40960",
        ])
        try fs.write("/f", at: 8192, data(1))
        try volume.fsync("/f")
        try expectLog([
            "f: inode 644 size 40000", "f: name f in /",
            "f: hole 4096..<8192", "f: regular 8192..<12288", "f: hole 32768..<40960", "1 checksums",
        ])
        try expectSameAfterCrash()
    }

    /// Pieces of preallocated space grow together when they are written.
    @Test func preallocatedSpaceThatIsWritten() throws {
        try fs.create("/f")
        try fs.allocate("/f", at: 0, count: 16384)
        try fs.write("/f", at: 0, data(1))
        try volume.fsync("/f")
        try fs.write("/f", at: 4096, data(1))
        try volume.fsync("/f")
        try expectLog([
            "f: inode 644 size 16384", "f: name f in /", "f: regular 0..<8192", "f: prealloc 8192..<16384", "2 checksums",
        ])
        try fs.punchHole("/f", at: 4096, count: 4096)
        try volume.fsync("/f")
        try expectLog([
            "f: inode 644 size 16384", "f: name f in /", "f: regular 0..<4096", "f: hole 4096..<8192",
            "f: prealloc 8192..<16384", "1 checksums",
        ])
    }

    /// What is left of content that lies in the tree, where it is cut.
    @Test func contentInTheTree() throws {
        try fs.write(fs.create("/f"), at: 0, [1, 2, 3])
        try fs.sync()
        try fs.truncate("/f", to: 2)
        try volume.fsync("/f")
        try expectLog(["f: inode 644 size 2", "f: name f in /", "f: inline 0..<2"])
        try expectSameAfterCrash()
    }

    /// A clone is logged whatever its extents are of; their checksums are committed.
    @Test func clonesOfCommittedContent() throws {
        try fs.create("/from")
        try fs.write("/from", at: 0, data(2))
        try fs.create("/to")
        try fs.sync()
        try fs.clone(from: "/from", to: "/to")
        try volume.fsync("/to")
        try expectLog(["to: inode 644 size 8192", "to: name to in /", "to: regular 0..<8192"])
        #expect(try FileSystem(mounting: volume.crash()).read("/to") == data(2))
    }

    @Test func aCloneIntoTheMiddle() throws {
        try fs.create("/from")
        try fs.write("/from", at: 0, data(1, of: 9))
        try fs.create("/to")
        try fs.write("/to", at: 0, data(4))
        try fs.sync()
        try fs.clone(from: "/from", to: "/to", at: 4096)
        try volume.fsync("/to")
        try expectLog(["to: inode 644 size 16384", "to: name to in /", "to: regular 4096..<8192"])
        #expect(try FileSystem(mounting: volume.crash()).read("/to") == data(1) + data(1, of: 9) + data(2))
    }

    @Test func preallocationInAHole() throws {
        try fs.create("/f")
        try fs.truncate("/f", to: 65536)
        try fs.sync()
        try fs.allocate("/f", at: 8192, count: 4096)
        try volume.fsync("/f")
        try expectLog(["f: inode 644 size 65536", "f: name f in /", "f: prealloc 8192..<12288"])
        try expectSameAfterCrash()
    }

    /// Checksums of data that was overwritten stay in the log where another file has that data.
    @Test(arguments: ["/from", "/to"]) func checksumsOfSharedContent(overwritten: String) throws {
        try fs.create("/from")
        try fs.write("/from", at: 0, data(2))
        try fs.create("/to")
        try fs.clone(from: "/from", to: "/to")
        for name in ["/from", "/to"] { try volume.fsync(name) }
        try fs.write(overwritten, at: 0, data(2, of: 9))
        try volume.fsync(overwritten)
        #expect(try volume.log().last == "4 checksums")
        let crashed = try FileSystem(mounting: volume.crash())
        for name in ["/from", "/to"] { #expect(try crashed.read(name) == data(2, of: name == overwritten ? 9 : 7)) }
    }

    /// A file may be open over a commit: after that its log begins anew.
    @Test func anOpenFileAfterACommit() throws {
        try fs.create("/f")
        let file = try fs.open("/f")
        try fs.write("/f", at: 0, data(4))
        _ = try fs.fsync(file)
        try fs.punchHole("/f", at: 0, count: 4096)
        try fs.sync()
        #expect(try fs.fsync(file) == .nothingToDo)
        try fs.write("/f", at: 4096, data(1, of: 9))
        #expect(try fs.fsync(file).isLogged)
        try expectLog(["f: inode 644 size 16384", "f: name f in /", "f: regular 4096..<8192", "1 checksums"])
    }

    // MARK: Directories

    /// New names with their inodes, and where names were as ranges of free indexes; no name that stayed.
    @Test func namesThatChanged() throws {
        try fs.makeDirectory("/d")
        for name in ["a", "b", "c", "e"] { try fs.create("/d/\(name)") }
        try fs.sync()
        try fs.unlink("/d/c")
        try fs.create("/d/f")
        try volume.fsync("/d")
        try expectLog([
            "d: inode 755", "d: name d in /", "d: free 4...4", "d: entry 6 f", "f: exists 644 size 0", "f: name f in d",
        ])
        try fs.unlink("/d/b")
        try fs.changeMode("/d/f", to: 0o600)
        try fs.create("/d/g")
        try volume.fsync("/d")
        try expectLog([
            "d: inode 755", "d: name d in /", "d: free 3...4", "d: entry 6 f", "d: entry 7 g",
            "f: exists 644 size 0", "f: name f in d", "g: exists 644 size 0", "g: name g in d",
        ])
    }

    /// New directories are logged with their names, down to the last one; a directory that was there only exists.
    @Test func newDirectoriesInDirectories() throws {
        try fs.makeDirectory("/old")
        try fs.create("/old/f")
        try fs.sync()
        try fs.makeDirectory("/new")
        try fs.makeDirectory("/new/inner")
        try fs.create("/new/inner/file")
        try fs.rename("/old", to: "/aged")
        try fs.create("/aged/g")
        try volume.fsync("/")
        try expectLog([
            "/: inode 755", "/: name .. in /", "/: free 2...2", "/: entry 3 new", "/: entry 4 aged",
            "aged: exists 755", "aged: name aged in /",
            "new: inode 755", "new: name new in /", "new: entry 2 inner",
            "inner: inode 755", "inner: name inner in new", "inner: entry 2 file",
            "file: exists 644 size 0", "file: name file in inner",
        ])
        try expectLogOfNextTransaction()
    }

    /// After a commit the log begins anew, also for a directory that is open, and against the state that is committed now.
    private func expectLogOfNextTransaction() throws {
        try fs.sync()
        let directory = try fs.open("/aged")
        try fs.unlink("/aged/f")
        #expect(try fs.fsync(directory).isLogged)
        try fs.sync()
        try fs.create("/aged/h")
        #expect(try fs.fsync(directory).isLogged)
        try expectLog(["aged: inode 755", "aged: name aged in /", "aged: entry 4 h", "h: exists 644 size 0", "h: name h in aged"])
    }
}
