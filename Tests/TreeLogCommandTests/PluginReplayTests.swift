internal import BtrfsFormat
internal import KernelOracle
internal import TestSupport
internal import Testing

/// What plugins do to a run of the command: what it says of them, how they are found, how they are stopped.
@Suite struct PluginReplayTests {
    private static let root = Fixtures.packageRoot

    /// Writes the main file of a plugin.
    private func write(_ text: String, _ name: String, in folder: borrowing TemporaryFolder) throws -> String {
        let run = try ToolRun.shell("printf %s \"$1\" > \"$2\"", [text, folder.file(name)])
        #expect(run.status == 0, "\(run)")
        return folder.file(name)
    }

    private func policy(_ body: String, _ name: String, in folder: borrowing TemporaryFolder) throws -> String {
        let text = """
            local p = treelog.replay_policy { name = "\(name)", \(body) }
            return treelog.plugin { name = "\(name)", version = "2.1.0", api = 1, policies = { p } }
            """
        return try write(text, "\(name).lua", in: folder)
    }

    // MARK: The report

    @Test func theReportNamesPluginsAndWhatTheySaid() throws {
        let images = try Images("create_fsync")
        let folder = try TemporaryFolder()
        let body = """
            filter = function(item)
              if item.type == "INODE_REF" then treelog.note("a name of %d", item.inode) end
              if item.type == "INODE_ITEM" then treelog.warn("an inode") end
            end
            """
        let path = try policy(body, "talk", in: folder)
        let options = ["replay", "--dry-run", "--plugin", path, "--policy", "talk", images.path]
        let run = try ToolRun(options)
        #expect(run.status == 3, "\(run)")
        let sum = try ToolRun.shell("sha256sum < $1 | cut -c1-64", [path]).lines.first ?? ""
        #expect(run.text.contains("plugin talk 2.1.0: talk.lua \(sum)\n"), "\(run)")
        #expect(run.text.contains("  a name of "), "\(run)")
        #expect(run.text.contains("INODE_REF"), "\(run)")
        #expect(run.errors.contains("treelog: plugin talk: an inode (log of subvolume 5"), "\(run)")

        let plugin = try #require(try ToolRun(options + ["--json"]).json()["plugins"]?.elements?.first)
        #expect(plugin["name"]?.string == "talk")
        #expect(plugin["version"]?.string == "2.1.0")
        #expect(plugin["scripts"]?.elements?.first?["sha256"]?.string == String(sum))
        let messages = plugin["messages"]?.elements ?? []
        #expect(messages.contains { $0["level"]?.string == "note" && $0["place"]?["key"]?.string != nil })
        #expect(messages.contains { $0["level"]?.string == "warning" && $0["text"]?.string == "an inode" })
    }

    @Test func itemsHaveTheirFieldsInJSON() throws {
        let images = try Images("create_fsync")
        #expect(try ToolRun("replay", images.path).status == 0)
        let counter = ["--plugin", Self.root + "/Plugins/counter"]
        let put = ["item", "put", "--item", "COUNTER", "--inode", "256", "--value", "base=1", "--value", "value=5"]
        #expect(try ToolRun(put + counter + [images.path]).status == 0)
        let runs = [
            try ToolRun(["dump", "--json", "--tree", "fs", "--key", "256 97"] + counter + [images.path]),
            try ToolRun(["item", "get", "--json", "--item", "COUNTER", "--inode", "256"] + counter + [images.path]),
            try ToolRun(["item", "list", "--json"] + counter + [images.path]),
        ]
        for run in runs {
            let item = try run.json()["item"]
            #expect(item?["base"]?.integer == 1 && item?["value"]?.integer == 5, "\(run)")
            #expect(item?["description"]?.string == "5 (from 1)", "\(run)")
            #expect(try run.json()["type"]?.string == "COUNTER", "\(run)")
        }
    }

    // MARK: Errors

    @Test func definitionsAreRefusedWithTheirLine() throws {
        let images = try Images("create_fsync")
        let folder = try TemporaryFolder()
        let text = String(repeating: "\n", count: 11) + """
            local c = treelog.item_type { name = "counter", kind = 97, fields = { treelog.i64 "base", { type = "i46", name = "v" } } }
            return treelog.plugin { name = "counter", version = "1.0.0", api = 1, items = { c } }
            """
        let path = try write(text, "plugin.lua", in: folder)
        let wanted = "plugin.lua:12: field 2 of item \"counter\": unknown type \"i46\" (did you mean \"i64\"?)\n"
        let run = try ToolRun("replay", "--plugin", folder.path, images.path)
        #expect(run.status == 64 && run.errors.contains("\(folder.path)/\(wanted)"), "\(run)")
        let json = try ToolRun("plugin", "check", "--json", path)
        #expect(json.status == 64, "\(json)")
        let problems = try json.json()["problems"]?.elements?.compactMap(\.string) ?? []
        #expect(problems.contains { $0 + "\n" == "\(folder.path)/\(wanted)" }, "\(json)")

        let call = try write("local f = treelog.i46 'x'", "call.lua", in: folder)
        let named = try ToolRun("plugin", "check", call)
        #expect(named.errors.contains("call.lua:1: 'treelog' has no field 'i46' (did you mean 'i64'?)"), "\(named)")
        #expect(try images.areUntouched())
    }

    @Test func aScriptThatFailsLeavesTheVolume() throws {
        let images = try Images("create_fsync")
        let folder = try TemporaryFolder()
        let path = try policy("filter = function(item) local n = nil + item.size end", "fails", in: folder)
        let run = try ToolRun("replay", "--plugin", path, "--policy", "fails", images.path)
        #expect(run.status == 1, "\(run)")
        for part in [
            "log of subvolume 5, block ", "slot 0, key (", "plugin 'fails', filter of policy fails: fails.lua:1: attempt",
            "\nstack traceback:\n", "\tfails.lua:1: in function <fails.lua:1>\n",
            "\nCorrect the plugin or choose another policy; the volume is unchanged.\n",
        ] {
            #expect(run.errors.contains(part), "\(part) in \(run)")
        }
        #expect(try images.areUntouched())
    }

    @Test func whatScriptsSayDoesNotSteerTheTerminal() throws {
        let images = try Images("create_fsync")
        let folder = try TemporaryFolder()
        let said = "'\\27[2J\\r\\u{9b}2J\\tä'"
        let talks = try policy("filter = function() treelog.note(\(said)) treelog.warn(\(said)) end", "talks", in: folder)
        let run = try ToolRun("replay", "--dry-run", "--plugin", talks, "--policy", "talks", images.path)
        #expect(run.status == 3, "\(run)")
        #expect(run.text.contains("  %1B[2J%0D%C2%9B2J\tä ("), "\(run)")
        #expect(run.errors.contains("treelog: plugin talks: %1B[2J%0D%C2%9B2J\tä ("), "\(run)")
        let fails = try policy("filter = function() error(\(said)) end", "fails", in: folder)
        let failed = try ToolRun("replay", "--plugin", fails, "--policy", "fails", images.path)
        #expect(failed.status == 1 && failed.errors.contains("fails.lua:1: %1B[2J%0D%C2%9B2J\tä\n"), "\(failed)")
    }

    // MARK: Decisions asked for twice

    @Test func decisionsAreVerified() throws {
        let images = try Images("conflict_unlink_recreate")
        let folder = try TemporaryFolder()
        let changing = try policy(
            "begin = function() return { n = 0 } end, "
                + "resolve = { name = function(_, s) s.n = s.n + 1 return s.n % 2 == 0 and 'keep' or 'take' end }",
            "changing", in: folder)
        let steady = try policy("resolve = { name = function() return 'take' end }", "steady", in: folder)
        let changed = try ToolRun(
            "replay", "--verify-policy", "--plugin", changing, "--policy", "changing", images.path)
        #expect(changed.status == 1 && changed.errors.contains("answered one conflict twice and differently"), "\(changed)")
        #expect(try images.areUntouched())
        for arguments in [["--plugin", steady, "--policy", "steady", "--verify-policy"],
            ["--plugin", changing, "--policy", "changing"]] {
            let run = try ToolRun(["replay", "--dry-run"] + arguments + [images.path])
            #expect(run.status == 3, "\(run)")
        }
    }

    // MARK: Time

    /// Each item takes long, and all are in few blocks: the script itself has to be stopped.
    @Test func aTimeoutStopsAScript() throws {
        let images = try Images("dir_many_new")
        let folder = try TemporaryFolder()
        let body = """
            filter = function()
              local text = ("a"):rep(600)
              for _ = 1, 12 do pcall(string.find, text, ".-b") end
            end
            """
        let path = try policy(body, "slow", in: folder)
        let clock = ContinuousClock()
        let start = clock.now
        let run = try ToolRun("replay", "--timeout", "0.3", "--plugin", path, "--policy", "slow", images.path)
        #expect(clock.now - start < .seconds(10))
        #expect(run.status == 1, "\(run)")
        #expect(run.errors == "treelog: not done after 0.3 seconds; the volume is unchanged. Allow more time with --timeout.\n")
        #expect(try images.areUntouched())
    }

    // MARK: By name

    @Test func pluginsAreFoundByName() throws {
        let images = try Images("conflict_unlink_recreate")
        func run(_ line: String) throws -> ToolRun {
            try ToolRun.shell("cd \"$1\" && \(line)", [Self.root, images.path])
        }
        let policy = try run("$0 replay --dry-run --policy keep-both --set keep-both.suffix=.old $2")
        #expect(policy.status == 3 && policy.text.contains("plugin keep-both "), "\(policy)")
        let listed = try run("$0 ls -R --replayed --policy keep-both $2")
        #expect(listed.status == 0 && listed.text.contains(".conflict-"), "\(listed)")
        let process = try run("$0 walk --process log-stats $2")
        #expect(process.status == 0 && process.text.contains("INODE_ITEM"), "\(process)")
        let plugin = try run("$0 replay --dry-run --plugin counter --plugin kv $2")
        #expect(plugin.status == 3 && plugin.text.contains("plugin kv "), "\(plugin)")
        let dump = try run("$0 dump --plugin counter --tree fs $2")
        #expect(dump.status == 0, "\(dump)")
        // Without a name nothing of the folder is loaded.
        let plain = try run("$0 replay --dry-run $2")
        #expect(plain.status == 3 && !plain.text.contains("plugin "), "\(plain)")
        let unknown = try run("$0 replay --dry-run --policy keep-bth $2")
        #expect(unknown.status == 64, "\(unknown)")
    }
}
