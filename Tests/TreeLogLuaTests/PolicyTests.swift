import BlockDevices
import BtrfsFormat
import BtrfsVolume
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// Policies decide every kind of conflict with the words of the API, see both sides, and are pure.
@Suite struct PolicyTests {
    private func decided(
        _ image: String, _ resolve: String, _ more: String = "", verify: Bool = false
    ) throws -> (transaction: Transaction, report: ReplayReport) {
        let plugin = try plugin(
            parts: """
                local calls = 0
                parts.policies = { treelog.replay_policy { name = "p", \(more) resolve = { \(resolve) } } }
                """)
        if verify { plugin.verification = .twice }
        return try replay(try Corpus.image(named: image).load(), plugin, policy: "p")
    }

    @Test func bothSidesOfANameAreSeen() throws {
        let (_, report) = try decided(
            "conflict_unlink_recreate",
            """
            name = function(c)
              treelog.warn("%s|%s|%s|%d|%d|%d|%s|%s|%s", c.kind, c.name, c.path, c.inode, c.logged.inode,
                  c.committed.inode,
                c.mainline, c.stage, c.policy)
              assert(c.key.objectid == c.objectid and c.path_of)
              assert(c:path_of(c.committed.inode) == c.path, c:path_of(c.committed.inode))
              assert(c.subvolume == 5 and c.directory >= 256 and c.index > 0 and #c.reason > 0)
              return c.mainline
            end
            """)
        let message = try #require(report.extensions[0].messages.first)
        let parts = message.text.split(separator: "|").map(String.init)
        #expect(parts[0] == "name" && parts[2].hasSuffix(parts[1]) && parts[6] == "take" && parts[8] == "p")
        #expect(parts[3] == parts[4] && parts[4] != parts[5])
        #expect(report.subvolumes.flatMap(\.conflicts).map(\.resolution) == [.takeLogged])
    }

    @Test func theCommittedSideIsKept() throws {
        let (_, report) = try decided("conflict_unlink_recreate", "name = function() return 'keep' end")
        #expect(report.subvolumes.flatMap(\.conflicts).map(\.resolution) == [.keepCommitted])
        let (_, skipped) = try decided("conflict_unlink_recreate", "name = function() return 'skip_inode' end")
        #expect(skipped.isPartial)
        let error = #expect(throws: LogError.self) {
            try decided("conflict_unlink_recreate", "name = function(c) return 'stop', c.name .. ' matters' end")
        }
        #expect(error.map { "\($0)" }?.contains(" matters") == true)
    }

    @Test func inodeItemsAreMerged() throws {
        let (transaction, report) = try decided(
            "chmod_fsync",
            """
            inode_item = function(c)
              local logged, committed = c.logged:bytes(), c.committed:bytes()
              assert(c.committed:decode().generation == c.committed:u64(0))
              return "merge", logged:sub(1, 52) .. committed:sub(53, 56) .. logged:sub(57)
            end
            """)
        let conflicts = report.subvolumes.flatMap(\.conflicts).filter { $0.kind == .inodeItem }
        #expect(!conflicts.isEmpty)
        let before = try Volume(opening: try Corpus.image(named: "chmod_fsync").load())
        for conflict in conflicts {
            let old = try before.tree(.fileTree).map { try Namespace($0).inode(conflict.inode) } ?? nil
            let new = try transaction.tree(.fileTree).map { try Namespace($0).inode(conflict.inode) } ?? nil
            #expect(old?.mode == new?.mode)
        }
    }

    @Test func nothingReturnedIsAsTheBase() throws {
        for base in ["mainline", "strict", "salvage"] {
            let plugin = try plugin(
                parts: """
                    local calls = {}
                    for _, kind in ipairs {
                      "inode_item", "name", "index", "back_reference", "deleted_name", "xattr", "extent",
                          "checksum_range",
                      "custom_item", "missing_inode", "missing_parent", "damaged_item" } do
                      calls[kind] = function(conflict) assert(conflict.kind == kind) end
                    end
                    parts.policies = { treelog.replay_policy { name = "p", base = "\(base)", resolve = calls } }
                    """)
            for image in ["mix_a.n4096", "conflict_rotate_three", "dir_fsync_deletes"] {
                let devices = try Corpus.image(named: image).load()
                let (_, report) = try replay(devices, plugin, policy: "p")
                let (_, native) = try replay(devices, plugin, policy: base)
                #expect(report.subvolumes.map(\.inodes) == native.subvolumes.map(\.inodes))
                #expect(report.isPartial == native.isPartial)
            }
        }
    }

    @Test(arguments: [
        ("return 'tak'", "it returned \"tak\" (did you mean \"take\"?)"), ("return true", "it returned a boolean"),
        ("return 'keep_both'", "needs the new name"), ("return 'keep_both', 'a/b'", "cannot have"),
        ("return 'merge', 'x'", "cannot have"), ("return conflict.nme", "a conflict has no field 'nme'"),
        ("local x = nil; return x.y", "plugin.lua:7: attempt to index a nil value (local 'x')"),
        ("treelog.write('x')", "treelog.write cannot be called in a resolve function, only in a process function"),
        ("while true do end", "more than 10000000 instructions"),
        ("while true do pcall(function() while true do end end) end", "more than 10000000 instructions"),
        ("local t = {} for i = 1, 1e9 do t[i] = {} end", "more than 67108864 bytes of memory"),
        ("return ('a'):rep(1 << 40)", ""), ("while true do treelog.note(('x'):rep(100000)) end", "bytes of output"),
        ("local function f() return 1 + f() end return f()", "calls are nested more than 1000 deep"),
        ("local s = ('a'):rep(60000) return s:find(('.-'):rep(9) .. 'b')", "pattern"),
    ])
    func whatGoesWrongEndsTheReplay(_ body: String, _ problem: String) throws {
        let devices = try Corpus.image(named: "conflict_unlink_recreate").load()
        let before = try devices.map { try $0.bytes(at: 0, count: 1 << 20) }
        let plugin = try plugin(
            parts: """
                parts.policies = { treelog.replay_policy { name = "p", resolve = {
                  name = function(conflict)
                    \(body)
                  end } } }
                """)
        let error = #expect(throws: LogError.self) { try replay(devices, plugin, policy: "p") }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(problem), "\(text)")
        #expect(text.contains("p"))
        #expect(error?.place.key != nil)
        #expect(try devices.map { try $0.bytes(at: 0, count: 1 << 20) } == before)
        // The plugin is not broken by it.
        #expect(throws: LogError.self) { try replay(devices, plugin, policy: "p") }
    }

    @Test func anAnswerThatChangesIsFound() throws {
        let fickle = "name = function() calls = calls + 1 return calls % 2 == 0 and 'take' or 'keep' end"
        _ = try decided("conflict_unlink_recreate", fickle)
        let error = #expect(throws: LogError.self) { try decided("conflict_unlink_recreate", fickle, verify: true) }
        #expect(error.map { "\($0)" }?.contains("answered one conflict twice and differently") == true)
        _ = try decided("conflict_unlink_recreate", "name = function() return 'keep' end", verify: true)
    }

    @Test func runsDependOnTheImageAlone() throws {
        let plugin = try plugin(
            parts: """
                local calls = 0
                parts.policies = { treelog.replay_policy { name = "p", resolve = {
                  name = function() calls = calls + 1 treelog.note("%d",
                      calls) return calls == 1 and "keep" or "take" end } } }
                """)
        let devices = try Corpus.image(named: "conflict_unlink_recreate").load()
        for _ in 0..<3 {
            let (_, report) = try replay(devices, plugin, policy: "p")
            #expect(report.extensions[0].messages.map(\.text) == ["1"])
            #expect(report.subvolumes.flatMap(\.conflicts).first?.resolution == .keepCommitted)
        }
    }

    @Test func optionsReachTheScript() throws {
        let devices = try Corpus.image(named: "conflict_unlink_recreate").load()
        var set = PluginSet()
        set.add(
            try plugin(
                parts: """
                    parts.policies = { treelog.replay_policy { name = "p", options = { answer = "take" },
                      resolve = { name = function(c, options) return options.answer end } } }
                    """))
        try set.set("p.answer=keep")
        var registry = Registry.mainline
        try set.register(in: &registry)
        let report = try Replayer(try Volume(opening: devices), registry: registry, policy: "p").run().report
        #expect(report.subvolumes.flatMap(\.conflicts).map(\.resolution) == [.keepCommitted])
    }
}
