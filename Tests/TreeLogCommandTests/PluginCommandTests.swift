internal import BlockDevices
internal import BtrfsFormat
internal import Foundation
internal import KernelOracle
internal import TestSupport
internal import Testing

/// `--plugin`, `treelog plugin` and `treelog item`.
@Suite struct PluginCommandTests {
    static func plugin(_ name: String) -> String { Fixtures.packageRoot + "/Plugins/\(name)" }

    private func write(
        _ text: String, _ name: String = "plugin.lua", in folder: borrowing TemporaryFolder
    ) throws -> String {
        try text.write(toFile: folder.file(name), atomically: true, encoding: .utf8)
        return folder.file(name)
    }

    // MARK: Replay and reading

    @Test func replaysWithAPolicy() throws {
        let images = try Images("conflict_unlink_recreate")
        let keepBoth = Self.plugin("keep-both")
        let run = try ToolRun(
            "replay", "--plugin", keepBoth, "--policy", "keep-both", "--set", "keep-both.suffix=.old", images.path)
        #expect(run.status == 0, "\(run)")
        let list = try ToolRun("ls", "-R", images.path)
        #expect(list.text.contains(".old-"), "\(list)")
    }

    @Test func readsWithAPolicy() throws {
        let images = try Images("conflict_unlink_recreate")
        let options = ["--plugin", Self.plugin("keep-both"), "--policy", "keep-both"]
        for verb in [["ls", "-R", "--replayed"], ["state", "--replayed"], ["inspect", "--all"]] {
            let run = try ToolRun(verb + options + [images.path])
            #expect(run.status == 0 && run.text.contains(".conflict-"), "\(run)")
        }
        #expect(try images.areUntouched())
    }

    @Test func aPolicyThatStopsLeavesTheVolume() throws {
        let images = try Images("conflict_unlink_recreate")
        let run = try ToolRun("replay", "--plugin", Self.plugin("paranoid"), "--policy", "paranoid", images.path)
        #expect(run.status == 1 && run.errors.contains("committed"), "\(run)")
        #expect(try images.areUntouched())
    }

    @Test func findsPluginsByTheEnvironment() throws {
        let images = try Images("conflict_unlink_recreate")
        let line = "TREELOG_PLUGINS=$1 $0 replay --dry-run --policy keep-both $2"
        let run = try ToolRun.shell(line, [Fixtures.packageRoot + "/Plugins", images.path])
        #expect(run.status == 3, "\(run)")
    }

    @Test func allProblemsAreListed() throws {
        let folder = try TemporaryFolder()
        let path = try write(
            """
            local a = treelog.item_type { name = "A", kind = 1, fields = { treelog.u64 "x" { formt = "hex" } } }
            local b = treelog.replay_policy { name = "b", resolve = { nam = function() end } }
            return treelog.plugin { name = "p", version = "1.0.0", api = 9, items = { a }, policies = { b } }
            """, "bad.lua", in: folder)
        let images = try Images("create_fsync")
        for verb in [["replay", images.path, "--plugin", path], ["plugin", "check", path]] {
            let run = try ToolRun(verb)
            #expect(run.status == 64, "\(run)")
            for place in ["bad.lua:1", "bad.lua:2", "bad.lua:3", "formt", "\"nam\""] {
                #expect(run.errors.contains(place), "\(place) in \(run)")
            }
        }
        #expect(try images.areUntouched())
        let unknown = try ToolRun("replay", "--plugin", folder.file("none"), images.path)
        #expect(unknown.status == 64, "\(unknown)")
        let setting = try ToolRun(
            "replay", "--plugin", Self.plugin("keep-both"), "--set", "keep-both.sufix=x", images.path)
        #expect(setting.status == 64 && setting.errors.contains("did you mean"), "\(setting)")
    }

    @Test func walksWithAScript() throws {
        let images = try Images("two_subvolumes")
        let run = try ToolRun("walk", "--process", Self.plugin("log-stats"), images.path)
        #expect(run.status == 0 && run.text.contains("INODE_ITEM"), "\(run)")
        let csv = try ToolRun(
            "walk", "--plugin", Self.plugin("log-stats"), "--process", "log-stats", "--set", "log-stats.format=csv",
            images.path)
        #expect(csv.status == 0 && csv.lines.first == "subvolume,type,items,bytes,largest", "\(csv)")
        #expect(try images.areUntouched())
    }

    // MARK: For authors

    @Test func aNewPluginWorks() throws {
        let folder = try TemporaryFolder()
        let parent = folder.file("plugins")
        #expect(try ToolRun("plugin", "new", "--in", parent, "my-plugin").status == 0)
        let check = try ToolRun("plugin", "check", parent + "/my-plugin")
        #expect(check.status == 0, "\(check)")
        let tests = try ToolRun("plugin", "test", parent + "/my-plugin")
        #expect(tests.status == 0 && tests.text.contains("3 passed, 0 failed"), "\(tests)")
        #expect(try ToolRun("plugin", "new", "--in", parent, "my-plugin").status == 1)
        #expect(try ToolRun("plugin", "new", "No Name").status == 64)
    }

    @Test func aFailedTestIsShown() throws {
        let folder = try TemporaryFolder()
        _ = try write(
            """
            local p = treelog.replay_policy { name = "p" }
            return treelog.plugin { name = "p", version = "1.0.0", api = 1, policies = { p } }
            """, in: folder)
        let test = "return {\n  wrong = function()\n    treelog.expect_equal(1, 2)\n  end,\n}"
        _ = try write(test, "test.lua", in: folder)
        let run = try ToolRun("plugin", "test", folder.path)
        #expect(run.status == 1 && run.text.contains("test.lua:3: got 1, expected 2"), "\(run)")
        #expect(try ToolRun("plugin", "test", "--json", folder.path).json()["tests"]?.elements?.count == 1)
    }

    @Test func globalsAreFound() throws {
        let folder = try TemporaryFolder()
        _ = try write(
            """
            local function f(a) local b <const> = a; for i = 1, 2 do total = b + i end return { a = 1, b = a } end
            local names = { key = f }
            -- hidden = 1
            return treelog.plugin { name = "p", version = "1.0.0", api = 1,
              policies = { treelog.replay_policy { name = "p", doc = [[x = y]], begin = function() return nmes end } } }
            """, in: folder)
        let run = try ToolRun("plugin", "check", folder.path)
        #expect(run.status == 64, "\(run)")
        #expect(run.errors.contains("plugin.lua:1: sets the global 'total'"), "\(run)")
        #expect(run.errors.contains("plugin.lua:5: reads the global 'nmes'"), "\(run)")
        #expect(run.errors.split(separator: "\n").count == 2, "\(run)")
    }

    @Test func misspeltFieldsOfTheAPIAreFoundWhereNothingRan() throws {
        let folder = try TemporaryFolder()
        _ = try write(
            """
            local function f(item) treelog.expect_eqal(item.kind, treelog.kinds.INODE_ITME) return treelog.hex(item) end
            local function g(treelog) return treelog.anything, ("").treelg end
            return treelog.plugin { name = "p", version = "1.0.0", api = 1,
              policies = { treelog.replay_policy { name = "p", begin = function() f(g) end } } }
            """, in: folder)
        let run = try ToolRun("plugin", "check", folder.path)
        #expect(run.status == 64, "\(run)")
        let field = "plugin.lua:1: 'treelog' has no field 'expect_eqal' (did you mean 'expect_equal'?)"
        #expect(run.errors.contains(field), "\(run)")
        let kind = "plugin.lua:1: 'treelog.kinds' has no field 'INODE_ITME' (did you mean 'INODE_ITEM'?)"
        #expect(run.errors.contains(kind), "\(run)")
        #expect(run.errors.split(separator: "\n").count == 2, "\(run)")
    }

    @Test func theShippedPluginsAreRight() throws {
        let folder = Fixtures.packageRoot + "/Plugins"
        #expect(try ToolRun("plugin", "check", folder).status == 0)
        #expect(try ToolRun("plugin", "test", folder).status == 0)
        let list = try ToolRun("plugin", "list", "--json", folder)
        #expect(try list.json()["plugins"]?.elements?.count == 9, "\(list)")
    }

    // MARK: Items on real volumes

    /// What Linux does to a file that has items of plugins: write, cut, snapshot, and once more.
    static let work = """
        file=$(find $MOUNT -maxdepth 1 -type f | head -n 1)
        [ -n "$file" ] || exit 1
        echo more >> "$file" && truncate -s 3 "$file" && truncate -s 1M "$file" && sync -f "$file" || exit 1
        btrfs subvolume snapshot $MOUNT $MOUNT/snapshot && truncate -s 0 "$file" && sync -f $MOUNT
        """

    @Test(.enabled(if: UserModeLinux.isAvailable && BtrfsCheck.isAvailable))
    func itemsSurviveLinux() throws {
        let images = try Images("create_fsync")
        #expect(try ToolRun("replay", images.path).status == 0)
        let entries = try ToolRun("ls", "--json", images.path).json()["entries"]?.elements ?? []
        let entry = try #require(entries.first { $0["type"]?.string == "file" })
        let inode = "\(try #require(entry["inode"]?.integer))"
        let counter = ["--plugin", Self.plugin("counter")]
        let which = ["--item", "COUNTER", "--inode", inode]
        let values = ["--value", "base=1", "--value", "value=5"]
        let put = try ToolRun(["item", "put"] + counter + which + values + [images.path])
        #expect(put.status == 0 && put.text.contains("5 (from 1)"), "\(put)")
        #expect(try BtrfsCheck.run(images: [images.path]).isClean)
        let outcome = try UserModeLinux.mount(volumes: [[images.path]], script: Self.work)
        #expect(outcome[0].isMounted, "\(outcome)")
        let verdict = try BtrfsCheck.run(images: [images.path])
        #expect(verdict.isClean, "\(verdict)")
        for place in [[], ["--subvolume", "snapshot"]] {
            let got = try ToolRun(["item", "get"] + counter + which + place + [images.path])
            #expect(got.status == 0 && got.text.contains("5 (from 1)"), "\(got)")
            let list = try ToolRun(["item", "list"] + counter + place + [images.path])
            #expect(list.status == 0 && list.text.contains("5 (from 1)"), "\(list)")
        }
        let dump = try ToolRun(["dump", "--tree", "fs", "--key", "\(inode) 97"] + counter + [images.path])
        #expect(dump.text.contains("5 (from 1)"), "\(dump)")
    }

    @Test func putRefusesWhatIsWrong() throws {
        let images = try Images("create_fsync")
        let put = ["item", "put", "--plugin", Self.plugin("counter"), "--item", "COUNTER", "--inode", "256"]
        #expect(try ToolRun(put + [images.path]).errors.contains("Replay it first"))
        #expect(try images.areUntouched())
        #expect(try ToolRun("replay", images.path).status == 0)
        #expect(try ToolRun(put + ["--value", "vale=1", images.path]).status == 64)
        #expect(try ToolRun(put + ["--hex", "00", images.path]).status == 1)
        #expect(try ToolRun(put + ["--inode", "99999", images.path]).errors.contains("no inode"))
        let folder = try TemporaryFolder()
        let strict = """
            local t = treelog.item_type {
              name = "EVEN", kind = 99, optional = true, fields = { treelog.u8 "value" },
              validate = function(item) return item.value % 2 == 0, "odd" end,
            }
            return treelog.plugin { name = "even", version = "1.0.0", api = 1, items = { t } }
            """
        let even = ["item", "put", "--plugin", try write(strict, in: folder), "--item", "EVEN", "--inode", "256"]
        let odd = try ToolRun(even + ["--value", "value=3", images.path])
        #expect(odd.status == 1 && odd.errors == "treelog: the EVEN is not valid: odd\n", "\(odd)")
        #expect(try ToolRun("item", "put", "--plugin", Self.plugin("counter"), "--item", "NONE", "--inode", "256",
            images.path).status == 64)
    }

    // MARK: Logs with items

    /// An image whose log has a counter of the top directory besides what it had.
    private func logWithCounter(_ images: borrowing Images, kind: UInt8 = 97) throws {
        let devices = try images.fixture.load()
        var log = try LogBuilder(devices, startingWith: .presentLog)
        let bytes = [UInt8](byteCount: 16) { (span: inout MutableRawSpan) in span.store(Int64(7), at: 8) }
        let inode = try #require(log.items[.fileTree]?.first { $0.key.type == .inodeItem }?.key.objectID)
        log.add(Key(inode, KeyType(kind), 0), bytes)
        try log.write()
        try FileManager.default.removeItem(atPath: images.path)
        try devices[0].writeImage(to: images.path)
    }

    @Test func aLogWithItemsIsReplayed() throws {
        let images = try Images("create_fsync")
        try logWithCounter(images)
        let run = try ToolRun("replay", "--plugin", Self.plugin("counter"), images.path)
        #expect(run.status == 0, "\(run)")
        let list = try ToolRun("item", "list", "--plugin", Self.plugin("counter"), images.path)
        #expect(list.text.contains("7 (from 0)") && list.text.contains(" COUNTER "), "\(list)")
        if BtrfsCheck.isAvailable { #expect(try BtrfsCheck.run(images: [images.path]).isClean) }
    }

    @Test func aLogWithMandatoryItemsNeedsThePlugin() throws {
        let images = try Images("create_fsync")
        try logWithCounter(images, kind: 25)
        let without = try ToolRun("replay", images.path)
        #expect(without.status == 1 && without.errors.contains("25"), "\(without)")
        let folder = try TemporaryFolder()
        let text = """
            local i64 = treelog.i64
            local t = treelog.item_type { name = "LEDGER", kind = 25, fields = { i64 "base", i64 "value" } }
            return treelog.plugin { name = "ledger", version = "1.0.0", api = 1, items = { t } }
            """
        let plugin = try write(text, in: folder)
        #expect(try ToolRun("replay", "--plugin", plugin, images.path).status == 0)
        let list = try ToolRun("item", "list", "--plugin", plugin, images.path)
        #expect(list.text.contains("base 0 value 7"), "\(list)")
        if BtrfsCheck.isAvailable { #expect(try BtrfsCheck.run(images: [images.path]).isClean) }
    }

    @Test(
        .enabled(if: UserModeLinux.isAvailable && BtrfsCheck.isAvailable, "needs user-mode-linux and btrfs-progs"),
        arguments: [97, 25, 35] as [UInt8])
    func linuxIgnoresItemsOfALog(_ kind: UInt8) throws {
        let images = try Images("create_fsync")
        try logWithCounter(images, kind: kind)
        let outcome = try UserModeLinux.mount(volumes: [[images.path]])
        try #require(outcome[0].isMounted, "\(outcome)")
        try #require(try BtrfsCheck.run(images: [images.path]).isClean)
        try images.expectReplayedState(try ToolRun("state", images.path))
    }

    @Test(
        .enabled(if: ItemKernelTests.hostSkipReason == nil, Comment(rawValue: ItemKernelTests.hostSkipReason ?? "")),
        arguments: [97, 25, 35] as [UInt8])
    func theKernelOfThisMachineIgnoresItemsOfALog(_ kind: UInt8) throws {
        try linuxIgnoresItemsOfALog(kind)
        let images = try Images("create_fsync")
        try logWithCounter(images, kind: kind)
        try HostKernel.mount(images: [images.path], log: .replayedByKernel) { _ in }
        #expect(try BtrfsCheck.run(images: [images.path]).isClean)
        try images.expectReplayedState(try ToolRun("state", images.path))
    }
}
