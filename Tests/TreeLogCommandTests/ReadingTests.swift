internal import KernelOracle
internal import TestSupport
internal import Testing

/// The verbs that read: text and JSON, with and without the log, and nothing is written.
@Suite struct ReadingTests {
    @Test func infoTellsOfTheLog() throws {
        let images = try Images("two_subvolumes")
        let text = try ToolRun("info", images.path)
        #expect(text.status == 0 && text.errors == "", "\(text)")
        for part in ["generation  8", "log         yes, for generation 9", "subvolume 257 /s2", "device 1"] {
            #expect(text.text.contains(part), "no '\(part)' in \(text)")
        }
        let json = try ToolRun("info", "--json", images.path).json()
        #expect(json["schema"]?.string == "treelog.info/1")
        #expect(json["volume"]?["generation"]?.integer == 8)
        #expect(json["log"]?["trees"]?.elements?.map { $0["subvolume"]?.integer } == [5, 256, 257])
        #expect(json["devices"]?.elements?.first?["superblocks"]?.elements?.count == 2)
        #expect(try images.areUntouched())
    }

    @Test func lsShowsBothSides() throws {
        let images = try Images("conflict_rename_recreate")
        #expect(try ToolRun("ls", images.path, "-p", "/d").text == "foo\n")
        #expect(try ToolRun("ls", images.path, "-p", "/d", "--replayed").text == "bar\nfoo\n")
        let long = try ToolRun("ls", "-l", "-p", "d/foo", "--replayed", images.path)
        #expect(long.text.hasPrefix("-rw-r--r--  1  0  0  300  2026-"), "\(long)")
        let all = try ToolRun("ls", "-R", "--json", "--replayed", images.path).json()
        let paths = try #require(all["entries"]?.elements).map { $0["path"]?.string }
        #expect(paths == ["/d", "/d/bar", "/d/foo"])
    }

    @Test func lsEntersSubvolumes() throws {
        let images = try Images("two_subvolumes")
        let all = try ToolRun("ls", "-R", images.path).text
        #expect(all.contains("/s1:\na\n"))
        for subvolume in ["256", "/s1", "s1"] {
            let run = try ToolRun("ls", "--subvolume", subvolume, "--replayed", "-p", "d", images.path)
            #expect(run.text == "n\n", "\(run)")
        }
        let wrong = try ToolRun("ls", "--subvolume", "999", images.path)
        #expect(wrong.status == 1 && wrong.errors.contains("no subvolume 999"), "\(wrong)")
    }

    @Test func namesInStatLeadFromTheTopLevel() throws {
        let images = try Images("two_subvolumes")
        for arguments in [["-p", "/s1/d/n"], ["--subvolume", "s1", "-p", "d/n"]] {
            let stat = try ToolRun(["stat", "--replayed", "--json"] + arguments + [images.path]).json()
            #expect(stat["names"]?.elements?.map(\.string) == ["/s1/d/n"], "\(arguments)")
        }
    }

    @Test func lsShowsLinksAndOddNames() throws {
        let images = try Images("special_nodes")
        let json = try ToolRun("ls", "-R", "--json", "--replayed", images.path).json()
        let entries = try #require(json["entries"]?.elements)
        let types = Set(entries.compactMap { $0["type"]?.string })
        #expect(types.isSuperset(of: ["fifo", "chr", "sock"]))
        let text = try ToolRun("ls", "-lR", "--replayed", images.path).text
        #expect(text.contains("\np") && text.contains("\nc") && text.contains("\ns"), "\(text)")
    }

    @Test func catGivesTheBytes() throws {
        let images = try Images("conflict_rename_recreate")
        let run = try ToolRun("cat", images.path, "--path", "/d/foo", "--replayed")
        #expect(run.status == 0 && run.output.count == 300, "\(run)")
        let json = try ToolRun("cat", images.path, "-p", "/d/foo", "--replayed", "--json").json()
        #expect(json["content"]?.string?.utf8.count ?? 0 >= 300)
        let missing = try ToolRun("cat", images.path, "-p", "/d/bar")
        #expect(missing.status == 1 && missing.errors.contains("there is no /d/bar"), "\(missing)")
        #expect(missing.errors.split(separator: "\n").count == 1)
        let directory = try ToolRun("cat", images.path, "-p", "/d")
        #expect(directory.status == 1 && directory.errors.contains("no regular file"), "\(directory)")
    }

    @Test func statTellsEverything() throws {
        let images = try Images("xattr_many")
        let state = try ToolRun("state", "--replayed", images.path).json()
        let inodes = try #require(state["subvolumes"]?["/"]?["inodes"]?.members)
        let number = try #require(inodes.first { $0.value["xattrs"] != nil }?.key)
        let names = try ToolRun("ls", "-R", "--json", "--replayed", images.path).json()
        let entry = names["entries"]?.elements?.first { $0["inode"]?.integer == Int64(number) }
        let path = try #require(entry?["path"]?.string)
        let stat = try ToolRun("stat", "--replayed", "--json", "-p", path, images.path).json()
        let wanted = try #require(inodes[number])
        #expect(stat["size"] == wanted["size"] && stat["mtime"] == wanted["mtime"])
        let xattrs = try #require(stat["xattrs"]?.elements)
        #expect(xattrs.count == wanted["xattrs"]?.members?.count)
        for xattr in xattrs {
            let name = try #require(xattr["name"]?.string)
            #expect(wanted["xattrs"]?[name] == xattr["value"])
        }
        let text = try ToolRun("stat", "--replayed", "-p", path, images.path)
        #expect(text.text.contains("inode    \(number) of subvolume 5"), "\(text)")
    }

    @Test(arguments: ["conflict_rename_recreate", "mix_a.raid1", "rand-0034.two-dev-single", "mix_a.sha256"])
    func stateIsThatOfTheCorpus(_ name: String) throws {
        let images = try Images(name)
        let run = try ToolRun(["state", "--replayed"] + images.paths)
        try images.expectReplayedState(run)
        #expect(try images.areUntouched())
    }

    @Test func stateOfASubvolume() throws {
        let images = try Images("two_subvolumes")
        let whole = try ToolRun("state", "--replayed", images.path).json()
        for name in ["256", "/s1"] {
            let state = try ToolRun("state", "--replayed", "--subvolume", name, images.path).json()
            #expect(state["subvolumes"]?.members?.count == 1)
            #expect(state["subvolumes"]?["/"] == whole["subvolumes"]?["/s1"])
        }
        RefusalTests.expectRefusal(try ToolRun("state", "--subvolume", "999", images.path), "no subvolume 999")
    }

    @Test func dumpShowsItems() throws {
        let images = try Images("conflict_rename_recreate")
        let log = try ToolRun("dump", images.path)
        #expect(log.text.contains("tree log-root") && log.text.contains("tree log:5"), "\(log)")
        #expect(log.text.contains("INODE_ITEM 0) 160 bytes"))
        let lines = try ToolRun("dump", "--json", "--tree", "log:5", images.path).lines
        let items = try lines.map { try JSONValue(parsing: String($0)) }
        #expect(items.allSatisfy { $0["schema"]?.string == "treelog.item/1" })
        let types = items.compactMap { $0["type"]?.string }
        for (type, count) in images.fixture.logItems {
            #expect(types.count { $0 == type } == count, "\(type)")
        }
    }

    @Test(arguments: [
        "root", "extent", "chunk", "dev", "fs", "csum", "uuid", "free-space", "log-root", "5", "-9",
    ])
    func dumpKnowsTheTree(_ tree: String) throws {
        let images = try Images("conflict_rename_recreate")
        let run = try ToolRun("dump", "--tree=\(tree)", images.path)
        #expect(run.status == 0 && run.errors == "" && run.text.hasPrefix("tree "), "\(run)")
    }

    @Test func dumpFiltersByKey() throws {
        let images = try Images("conflict_rename_recreate")
        func count(_ key: String) throws -> Int {
            try ToolRun("dump", "--tree", "fs", "--key", key, "--json", "--replayed", images.path).lines.count
        }
        #expect(try count("(256 INODE_ITEM 0)") == 1)
        #expect(try count("256,INODE_ITEM,0") == 1)
        #expect(try count("256") > 1)
        #expect(try count("* INODE_ITEM") == count("INODE_ITEM"))
        #expect(try count("inode_item") == 4)
        #expect(try count("12345678") == 0)
    }

    @Test func walkShowsTheBlocks() throws {
        let images = try Images("two_subvolumes")
        let verify = try ToolRun("walk", images.path)
        #expect(verify.status == 0 && verify.lines.last == "4 leaves", "\(verify)")
        let pin = try ToolRun("walk", "--process", "pin", "--json", images.path).json()
        #expect(pin["counts"]?["pinned"]?.integer == 4)
        #expect(pin["blocks"]?.elements?.count == 4)
        let replay = try ToolRun("walk", "--process", "replay", "--json", images.path).json()
        let stages = Set(try #require(replay["blocks"]?.elements).compactMap { $0["stage"]?.string })
        #expect(stages == ["pin", "inodes", "directory index", "everything"])
        let list = try ToolRun("walk", "--list")
        #expect(list.lines.contains("replay") && list.lines.contains("verify"), "\(list)")
        #expect(try images.areUntouched())
    }

    @Test func nobodyMindsAClosedPipe() throws {
        let images = try Images("dir_many_new")
        for verb in ["state", "ls -lR", "dump --tree fs"] {
            let run = try ToolRun.shell("\"$0\" \(verb) --replayed \"$1\" | head -n 1", [images.path])
            #expect(run.errors == "" && run.lines.count == 1, "\(run)")
        }
    }

    @Test func aVolumeWithoutALogIsFine() throws {
        let images = try Images("conflict_rename_recreate")
        #expect(try ToolRun("replay", images.path).status == 0)
        let inspect = try ToolRun("inspect", images.path)
        #expect(inspect.status == 0 && inspect.text.contains("no log"), "\(inspect)")
        #expect(try ToolRun("inspect", "--json", images.path).json()["result"]?.string == "no_log")
        #expect(try ToolRun("ls", "--replayed", images.path).status == 0)
        #expect(try ToolRun("walk", images.path).status == 0)
        #expect(try ToolRun("dump", images.path).errors.contains("no log"))
    }
}
