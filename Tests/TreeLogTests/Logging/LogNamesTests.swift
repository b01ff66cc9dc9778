import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What operations on names do to what is in the log already, and what of them the next fsync has to tell.
///
/// The file `/g` stands for any other file whose fsync writes the log once more.
@Suite struct LogNamesTests {
    let volume: MountedVolume
    let fs: FileSystem

    init() throws {
        volume = try MountedVolume(empty: 128 << 20)
        fs = volume.fileSystem
        for name in ["/d", "/e"] { try fs.makeDirectory(name) }
        for name in ["/d/a", "/d/b", "/e/c"] { try fs.create(name) }
        try fs.link("/d/b", to: "/e/b")
        try fs.create("/g")
        try fs.sync()
    }

    private func change(_ path: String) throws { try fs.changeMode(path, to: 0o600) }

    private func crashed() throws -> FileSystem { try FileSystem(mounting: volume.crash()) }

    // MARK: Names that go

    @Test func aNameLeavesTheLogOfItsDirectory() throws {
        try fs.create("/d/new")
        try volume.fsync("/d")
        try fs.unlink("/d/new")
        try fs.unlink("/d/a")
        try change("/g")
        try volume.fsync("/g")
        // Only an fsync of the directory makes it durable that a committed name is gone.
        #expect(try !volume.log().contains { $0.hasPrefix("d: free") || $0.hasPrefix("d: entry") })
        #expect(try crashed().exists("/d/a") && !crashed().exists("/d/new"))
    }

    /// What the log compares with is the last commit, also where an fsync before it has looked at the one before.
    @Test func aNameOfTheLastCommitGoes() throws {
        try fs.create("/d/new")
        try volume.fsync("/d/new")
        try fs.sync()
        try fs.rename("/d/new", to: "/e/new")
        let outcome = try fs.fsync("/e/new")
        #expect(outcome == .fullCommit(.movedFile))
        #expect(try !crashed().exists("/d/new") && crashed().exists("/e/new"))
    }

    @Test func aNameLeavesTheReferencesOfALoggedFile() throws {
        try change("/d/b")
        try volume.fsync("/d/b")
        try fs.write("/d/b", at: 0, [1, 2, 3])
        try fs.unlink("/e/b")
        try change("/g")
        try volume.fsync("/g")
        // The rest of the file is as it was synced.
        #expect(try volume.log().filter { $0.hasPrefix("b:") } == ["b: inode 600 size 0", "b: name b in d"])
    }

    @Test func theLastNameLeavesTheReferencesOfALoggedFile() throws {
        try change("/d/a")
        try volume.fsync("/d/a")
        try fs.unlink("/d/a")
        try change("/g")
        try volume.fsync("/g")
        #expect(try !volume.log().contains { $0.hasSuffix("name a in d") })
        // It is not said to be gone before the directory is synced.
        #expect(try crashed().exists("/d/a"))
    }

    /// Without a name there is nothing to come back to.
    @Test func aFileWithoutANameIsNotLogged() throws {
        let file = try fs.open("/d/a")
        try fs.unlink("/d/a")
        try fs.write(file.location, at: 0, [1, 2, 3])
        #expect(try fs.fsync(file).isLogged)
        #expect(try volume.log() == [])
    }

    /// What is removed from a directory needs no commit.
    @Test func anUnlinkIsLogged() throws {
        try fs.unlink("/d/a")
        try fs.unlink("/d/b")
        try volume.fsync("/d")
        try volume.fsync("/e/b")
        #expect(try crashed().readDirectory("/d").isEmpty)
    }

    // MARK: Names that move

    @Test func aFileThatLeftALoggedDirectoryIsLogged() throws {
        try change("/d")
        try volume.fsync("/d")
        try fs.rename("/d/a", to: "/e/a")
        try change("/g")
        try volume.fsync("/g")
        let log = try volume.log()
        #expect(log.contains("d: free 2...2") && log.contains("a: exists 644 size 0") && log.contains("a: name a in e"))
        #expect(try crashed().exists("/e/a") && !crashed().exists("/d/a"))
        // Nothing of it is left to be told, and no commit is needed.
        #expect(try fs.fsync("/d") == .nothingToDo)
        try volume.fsync("/e")
    }

    @Test func aLoggedFileThatMovedIsLogged() throws {
        try change("/d/a")
        try volume.fsync("/d/a")
        try fs.rename("/d/a", to: "/e/a")
        try change("/g")
        #expect(try volume.fsync("/g").contains("a: name a in e"))
        #expect(try crashed().exists("/e/a") && !crashed().exists("/d/a"))
    }

    /// With its new name, and then with all else that changed.
    @Test func aRenamedFileIsLoggedWithItsContent() throws {
        try change("/d/a")
        try volume.fsync("/d/a")
        try fs.rename("/d/a", to: "/d/new")
        try fs.write("/d/new", at: 0, [1, 2, 3])
        #expect(try volume.fsync("/d/new").contains("new: inline 0..<3"))
    }

    /// A file in place of a logged one goes with its content, whatever it is called in the end.
    @Test(arguments: [true, false]) func aFileThatReplacedALoggedOne(isLogged: Bool) throws {
        for path in ["/d", "/d/a"] {
            try change(path)
            try volume.fsync(path)
        }
        try fs.create("/d/new")
        if isLogged { try volume.fsync("/d/new") }
        try fs.write("/d/new", at: 0, [1, 2, 3])
        try fs.rename("/d/new", to: "/d/a")
        try fs.rename("/d/a", to: "/d/z")
        try change("/g")
        #expect(try volume.fsync("/g").contains { $0.hasPrefix("z: inode") })
        #expect(try volume.log().filter { $0.contains("name z") || $0.contains("inline") } == ["z: name z in d", "z: inline 0..<3"])
    }

    /// A symbolic link that is renamed is logged with its text, as ever, but for its names.
    @Test func aLoggedSymbolicLinkThatIsRenamed() throws {
        try fs.makeSymlink("/d/s", to: "somewhere")
        try volume.fsync("/d")
        try fs.rename("/d/s", to: "/d/t")
        try change("/g")
        #expect(try volume.fsync("/g").contains("t: name t in d"))
        #expect(try crashed().exists("/d/t") && !crashed().exists("/d/s"))
    }

    /// Neither is a file that is not in the log, and comes from a directory that is not, put there by a rename.
    @Test func aFileThatIsNotInTheLogStaysOut() throws {
        try change("/e")
        try volume.fsync("/e")
        try fs.rename("/d/a", to: "/e/a")
        try fs.link("/d/b", to: "/d/b2")
        try change("/g")
        #expect(try volume.fsync("/g") == ["g: inode 600 size 0", "g: name g in /"])
        #expect(try crashed().exists("/d/a"))
    }

    /// Names change before a commit, or before an fsync that tells it: the next fsync does not tell it again.
    @Test(arguments: [true, false]) func aChangeOfNamesIsToldOnce(isCommitted: Bool) throws {
        for path in ["/d/b", "/d", "/e"] {
            try change(path)
            try volume.fsync(path)
        }
        try fs.link("/d/b", to: "/d/b2")
        try fs.rename("/d/a", to: "/e/a")
        if isCommitted { try fs.sync() } else { #expect(try fs.fsync("/e/c") == .nothingToDo) }
        try change("/g")
        if !isCommitted { try volume.fsync("/g") }
        for path in ["/d/b", "/g"] { try fs.changeMode(path, to: 0o640) }
        #expect(try volume.fsync("/g").filter { !$0.hasPrefix("g:") } == [])
    }

    /// A new file that gets its last name in two steps has not moved: no commit has it.
    @Test func aNewFileDoesNotMove() throws {
        try fs.create("/d/new")
        try fs.link("/d/new", to: "/e/new")
        try fs.unlink("/d/new")
        try volume.fsync("/d")
    }

    /// Where a directory went from which something had moved, the one above can be logged no more.
    @Test func aDirectoryThatWasEmptiedByMoving() throws {
        try fs.makeDirectory("/e/inner")
        try fs.create("/e/inner/f")
        try fs.create("/e/empty")
        try fs.sync()
        try fs.rename("/e/inner/f", to: "/d/f")
        try fs.removeDirectory("/e/inner")
        #expect(try fs.fsync("/e") == .fullCommit(.movedFile))
        try fs.unlink("/e/empty")
        try volume.fsync("/e")
    }

    /// The hooks of a subvolume work for its own log, whatever is synced. It stays while files in it are open.
    @Test func subvolumesHaveLogsOfTheirOwn() throws {
        _ = try fs.createSubvolume("/sub")
        try fs.create("/sub/f")
        try fs.sync()
        let file = try fs.open("/sub/f")
        try volume.expect(.busy) { try $0.deleteSubvolume("/sub") }
        try fs.close(file)
        try change("/sub/f")
        try volume.fsync("/sub/f")
        try fs.rename("/sub/f", to: "/sub/new")
        try change("/g")
        try volume.fsync("/g")
        #expect(try crashed().exists("/sub/new") && !crashed().exists("/sub/f"))
    }

    // MARK: Names of other files

    /// What had the name before goes to the log with the name that it has now.
    @Test func aNameThatAFileHadBefore() throws {
        try fs.rename("/d/a", to: "/d/old")
        try fs.create("/d/a")
        try fs.setXattr("/d/old", "user.x", [1])
        try volume.fsync("/d/a")
        let log = try volume.log()
        #expect(log.contains("old: exists 644 size 0") && log.contains("old: name old in d"))
    }

    /// A deleted file gives its name away by itself; a deleted directory needs that of its own directory.
    @Test func aNameThatWasOfWhatIsGone() throws {
        try fs.makeDirectory("/d/dir")
        try fs.sync()
        try fs.unlink("/d/a")
        try fs.create("/d/a")
        try volume.fsync("/d/a")
        #expect(try !volume.log().contains("d: inode 755"))
        #expect(try crashed().readDirectory("/d").count == 3)
        try fs.removeDirectory("/d/dir")
        try fs.create("/d/dir")
        try volume.fsync("/d/dir")
        #expect(try volume.log().contains("d: inode 755"))
        #expect(try crashed().stat("/d/dir").item.isRegularFile)
    }

    /// Files that exchange their names go together, so that both names have one of them after a crash; the one whose
    /// committed name is taken away goes with its content.
    @Test func filesThatExchangeTheirNames() throws {
        try fs.rename("/d/a", to: "/d/b", .exchange)
        try fs.write("/d/a", at: 0, [1, 2, 3])
        try volume.fsync("/d/b")
        #expect(try crashed().read("/d/a") == [1, 2, 3])
    }

    /// A directory that took a name only has to exist, so that it may have moved itself.
    @Test func aNameThatADirectoryTook() throws {
        try fs.makeDirectory("/d/dir")
        try fs.sync()
        try fs.rename("/d/a", to: "/d/new")
        try fs.rename("/d/dir", to: "/d/a")
        try volume.fsync("/d/new")
        #expect(try crashed().stat("/d/a").item.isDirectory && crashed().exists("/d/new"))
    }

    // MARK: Many names

    private func link(_ numbers: Range<Int>, of path: String) throws {
        for number in numbers { try fs.link(path, to: "/d/" + String(repeating: "l", count: 250) + "\(number)") }
    }

    /// Names in extended references are logged like the others while they stay as they are.
    @Test func namesInExtendedReferences() throws {
        try link(100..<200, of: "/d/b")
        try fs.sync()
        try change("/d/b")
        try volume.fsync("/d/b")
        #expect(try volume.log().count { $0.contains(": name") } == 102)
        #expect(try crashed().stat("/d/b").item.nlink == 102)
        for entry in try fs.readDirectory("/d") where entry.name.count > 200 { try fs.unlink([UInt8]("/d/".utf8) + entry.name) }
        for path in ["/d/b", "/e/b"] { try fs.unlink(path) }
        try change("/g")
        try volume.fsync("/g")
        #expect(try volume.log().count { $0.contains(": name") } == 1)
    }

    /// The last extended reference that went is as much a reason for a commit as one that came.
    @Test func aNameThatWentFromExtendedReferences() throws {
        try link(100..<163, of: "/d/b")
        try fs.sync()
        for number in 161..<163 { try fs.unlink("/d/" + String(repeating: "l", count: 250) + "\(number)") }
        #expect(try fs.fsync("/d/b") == .fullCommit(.extendedReferences))
    }
}
