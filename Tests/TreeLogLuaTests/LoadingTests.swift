import BtrfsFormat
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// A plugin loads whole or not at all; what is wrong with it is told at once, with file and line and what was
/// perhaps meant.
@Suite struct LoadingTests {
    @Test func allProblemsAreToldAtOnceWithTheirLines() {
        let found = problems(
            """
            local u64 = treelog.u64
            local counter = treelog.item_type {
              name = "COUNTER", kind = 50, optonal = true, stage = "al",
              fields = {
                u64 "base",
                { type = "i46", name = "value" },
                u64 "flags" { formt = "hex", names = { "A" } },
                u64 "size",
              },
            }
            local policy = treelog.replay_policy {
              name = "p", resolve = { nam = function() end, name = 1 }, filter = true,
            }

            return treelog.plugin { name = "Counter", version = "1", api = 2, items = { counter },
                policys = { policy } }
            """)
        let expected = [
            "test/plugin.lua:2: item \"COUNTER\": unknown key \"optonal\" (did you mean \"optional\"?)",
            "test/plugin.lua:2: item \"COUNTER\": kind 50 (UNKNOWN.50) is not for plugins; take one of 25 to 35 or 97 "
                + "to 107, or say override = true to wrap a built-in type",
            "test/plugin.lua:2: item \"COUNTER\": stage: unknown word \"al\" (did you mean \"all\"?)",
            "test/plugin.lua:2: field 2 of item \"COUNTER\": unknown type \"i46\" (did you mean \"i64\"?)",
            "test/plugin.lua:7: field 3 of item \"COUNTER\": unknown key \"formt\" (did you mean \"format\"?)",
            "test/plugin.lua:8: field 4 of item \"COUNTER\": the name \"size\" is one that every item has",
            "test/plugin.lua:11: policy \"p\": resolve: unknown kind of conflict \"nam\" (did you mean \"name\"?)",
            "test/plugin.lua:11: policy \"p\": resolve: name must be a function, got number",
            "test/plugin.lua:11: policy \"p\": filter must be a function, got boolean",
            "test/plugin.lua:15: plugin \"Counter\": unknown key \"policys\" (did you mean \"policies\"?)",
            "test/plugin.lua:15: plugin \"Counter\": name must be lower case letters, digits, - and _, and begin with "
                + "a letter",
            "test/plugin.lua:15: plugin \"Counter\": version must be three numbers like 1.0.0, got \"1\"",
            "test/plugin.lua:15: plugin \"Counter\": it is written for api 2, and this treelog has 1",
        ]
        for line in expected { #expect(found.contains(line), "\(line)\nnot in\n\(found.joined(separator: "\n"))") }
        #expect(found.count == expected.count, "\(found.joined(separator: "\n"))")
    }

    @Test(arguments: [
        ("return 1", "test/plugin.lua: it must return treelog.plugin { … }"),
        ("local x = = 1", "test/plugin.lua:1: unexpected symbol near '='"),
        ("\n\nerror('no')", "test/plugin.lua:3: no"),
        ("local x = treelog.i46", "test/plugin.lua:1: 'treelog' has no field 'i46' (did you mean 'i64'?)"),
        ("x = 1", "test/plugin.lua:1: assignment to undeclared global 'x'"),
        ("require 'os'", "test/plugin.lua:1: there is no module 'os'"),
        ("require '../x'", "test/plugin.lua:1: a module's name has only a-z, 0-9, '_' and dots between them"),
        (
            "treelog.note('x')",
            "test/plugin.lua:1: treelog.note and treelog.warn cannot be called while the plugin loads"
        ),
        ("treelog.write('x')", "test/plugin.lua:1: treelog.write cannot be called while the plugin loads"),
        ("return treelog.plugin { name = 'a', version = '1.0.0' }", "test/plugin.lua:1: plugin \"a\": api is missing"),
        ("return treelog.plugin { name = 'a', version = '1.0.0', api = '1' }", "api must be an integer, got string"),
        ("return treelog.plugin { name = 'a', version = '1.0.0', api = 1 }", "it adds nothing"),
        ("return treelog.plugin { name = 'a', version = '1.0.0', api = 1, items = { {} } }", "items: entry 1 is no"),
        ("while true do end", "more than 10000000 instructions in one call"),
        ("local t = {} for i = 1, 1e9 do t[i] = i end", "more than 67108864 bytes of memory"),
    ])
    func aPluginThatIsWrongDoesNotLoad(_ text: String, _ problem: String) {
        let found = problems(text)
        #expect(found.contains { $0.contains(problem) }, "\(problem)\nnot in\n\(found.joined(separator: "\n"))")
    }

    @Test func fieldsAreChecked() {
        let cases: [(String, String)] = [
            ("u8 'A'", "the name \"A\" must be lower case"), ("u8 'a', u8 'a'", "is taken by another field"),
            ("bytes 'b', u8 'c'", "count is missing"), ("bytes 'b' { count = 'n' }", "there is no field \"n\""),
            ("u8 'n', bytes 'a' { count = 'n' }, bytes 'b' { count = 'n' }", "counts nothing else"),
            ("i8 'n', bytes 'a' { count = 'n' }", "must be an unsigned integer"),
            ("bytes 'b' { count = 0 }", "count must be 1 to 65536, got 0"),
            ("bytes 'b' { count = 8, format = 'uuid' }", "a uuid has a count of 16"),
            ("array 'a' { of = 'u9', count = 2 }", "of: unknown type \"u9\" (did you mean \"u8\"?)"),
            ("array 'a' { count = 2 }", "of is missing"), ("struct 's'", "fields is missing"),
            ("struct 's' { fields = { bytes 'b' } }", "count is missing"),
            ("struct 's' { fields = { u8 'x', { name = 'y', type = 'u7' } } }", "unknown type \"u7\""),
            ("u8 'f' { flags = true, names = { [3] = 'X' } }", "3 is not a single bit"),
            ("u8 'f' { names = { [256] = 'X' } }", "names: each is a value of the field and a string"),
            ("1", "a field expected, got number"), ("u8 'x' { 1 }", "a key of type number"),
            ("u8 'x' (5)", "a table of options expected, got number"),
        ]
        for (fields, problem) in cases {
            let found = problems(
                """
                local u8, i8, bytes, array, struct = treelog.u8, treelog.i8, treelog.bytes, treelog.array, treelog.struct
                local t = treelog.item_type { name = "T", kind = 97, fields = { \(fields) } }
                return treelog.plugin { name = "t", version = "1.0.0", api = 1, items = { t } }
                """)
            #expect(found.contains { $0.contains(problem) }, "\(fields): \(problem) not in \(found)")
            #expect(found.allSatisfy { $0.hasPrefix("test/plugin.lua:2: ") }, "\(found)")
        }
    }

    @Test func modulesComeFromTheFolderAndKnowTheirLines() throws {
        let main = """
            local counter = require "lib.counter"
            return treelog.plugin { name = "c", version = "1.0.0", api = 1, items = { counter } }
            """
        let module = "\n\nreturn treelog.item_type { name = 'COUNTER', kind = 97%s }"
        let good = try plugin(main, files: ["lib/counter.lua": module.replacing("%s", with: "")])
        #expect(good.scripts.map(\.path) == ["plugin.lua", "lib/counter.lua"])
        let found = problems(main, files: ["lib/counter.lua": module.replacing("%s", with: ", x = 1")])
        #expect(found == ["test/lib/counter.lua:3: item \"COUNTER\": unknown key \"x\""])
    }

    @Test func pluginsAreFoundInFolders() throws {
        let folder = try TemporaryFolder()
        let text = """
            local policy = treelog.replay_policy { name = '%s' }
            return treelog.plugin { name = '%s', version = '1.0.0', api = 1, policies = { policy } }
            """
        for name in ["b", "a"] {
            try write(text.replacing("%s", with: name), to: folder.path, "\(name)/plugin.lua")
        }
        try write("-- nothing", to: folder.path, "meta/treelog.lua")
        try write(text.replacing("%s", with: "c"), to: folder.path, "c.lua")
        let set = try PluginSet(paths: [folder.file("c.lua")], folders: [], environment: folder.path)
        #expect(set.plugins.map(\.name) == ["c", "a", "b"])
        #expect(try PluginSet(folders: [folder.file("none")]).plugins.isEmpty)
        let error = #expect(throws: PluginError.self) { try PluginSet(paths: [folder.file("x"), folder.file("meta")]) }
        #expect(error?.problems.count == 2)
        try write("return 1", to: folder.path, "b/plugin.lua")
        #expect(throws: PluginError.self) { try PluginSet(folders: [folder.path]) }
    }

    @Test func namesThatAreTakenAreRefusedWhole() throws {
        let text = """
            local a = treelog.item_type { name = "A", kind = 97 }
            local p = treelog.replay_policy { name = "%s", base = "%b" }
            return treelog.plugin { name = "t", version = "1.0.0", api = 1, items = { a }, policies = { p } }
            """
        var registry = Registry.mainline
        for (name, base, problem) in [
            ("salvage", "mainline", "'salvage' is registered already"), ("x", "mainlin", "did you mean \"mainline\"?"),
        ] {
            let plugin = try plugin(text.replacing("%s", with: name).replacing("%b", with: base))
            let error = #expect(throws: PluginError.self) { try plugin.register(in: &registry) }
            #expect(error?.description.contains("test/plugin.lua:2: ") == true)
            #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
            #expect(registry.itemTypes[KeyType(97)] == nil)
        }
        let plugin = try plugin(text.replacing("%s", with: "x").replacing("%b", with: "strict"))
        try plugin.register(in: &registry)
        #expect(registry.itemTypes[KeyType(97)]?.name == "A")
        #expect(throws: PluginError.self) { try plugin.register(in: &registry) }
    }

    @Test(arguments: [
        "return treelog.plugin { name = 't', api = 1, items = { a, b }, policies = { p, q }, processes = { s } }",
        "error('no')",
    ])
    func whatCannotBeRegisteredIsToldWithTheDefinitionsThatAreWrong(_ end: String) {
        let found = problems(
            """
            local a = treelog.item_type { name = "A", kind = 97, override = true, sumary = "" }
            local b = treelog.item_type { name = "B", kind = "INODE_ITEM" }
            local p = treelog.replay_policy { name = "strict" }
            local q = treelog.replay_policy { name = "q", base = "mainlin" }
            local s = treelog.process { name = "verify", block = function() end }
            \(end)
            """)
        let expected = [
            "test/plugin.lua:1: item \"A\": unknown key \"sumary\"",
            "test/plugin.lua:2: item \"B\": kind 1 (INODE_ITEM) is not for plugins; take one of 25 to 35 or 97 to 107, "
                + "or say override = true to wrap a built-in type",
            end == "error('no')"
                ? "test/plugin.lua:6: no" : "test/plugin.lua:6: plugin \"t\": version is missing",
            "test/plugin.lua:1: item \"A\": override = true, and no type is registered for kind 97",
            "test/plugin.lua:4: policy \"q\": there is no policy \"mainlin\" to build on (did you mean \"mainline\"?)",
            "test/plugin.lua:3: policy \"strict\": 'strict' is registered already; say that it overrides to replace it",
            "test/plugin.lua:5: process \"verify\": 'verify' is registered already; say that it overrides to replace it",
        ]
        #expect(Set(found) == Set(expected), "\(found.joined(separator: "\n"))")
    }

    @Test func aPluginThatIsWrongDoesNotHideAnother() throws {
        let folder = try TemporaryFolder()
        let other = """
            local p = treelog.replay_policy { name = "p", base = "mainlin" }
            return treelog.plugin { name = "b", version = "1.0.0", api = 1, policies = { p } }
            """
        try write("return 1", to: folder.path, "a/plugin.lua")
        try write(other, to: folder.path, "b/plugin.lua")
        let error = #expect(throws: PluginError.self) { try PluginSet(folders: [folder.path]) }
        #expect(error?.problems.map(\.place) == ["\(folder.path)/a/plugin.lua", "\(folder.path)/b/plugin.lua:1"])
    }

    @Test func policiesThatBuildOnEachOtherAreNamed() throws {
        let circle = try plugin(
            parts: """
                local function policy(name, base) return treelog.replay_policy { name = name, base = base } end
                parts.policies = { policy("a", "b"), policy("b", "c"), policy("c", "a"), policy("d", "a"),
                    policy("e", "e"), policy("f", "strict") }
                """)
        var registry = Registry.mainline
        let error = #expect(throws: PluginError.self) { try circle.register(in: &registry) }
        let wanted = ["a, b, c, a", "b, c, a, b", "c, a, b, c", "e, e"].map { "its bases form a circle: \($0)" }
        let texts = (error?.problems ?? []).map { $0.text.drop { $0 != ":" }.dropFirst(2) }.sorted()
        #expect(texts == wanted.map { $0[...] }, "\(texts)")
    }

    @Test func optionsAreSetByName() throws {
        var all = PluginSet()
        all.add(
            try plugin(
                parts: """
                    parts.policies = { treelog.replay_policy { name = "p", options = { max = 5, deep = false,
                        name = "x" } } }
                    """))
        try all.set("p.max=7")
        try all.set("p.deep=true")
        try all.set("p.name=a=b")
        #expect(all.plugins[0].policies[0].options.map(\.value) == [.boolean(true), .integer(7), .text("a=b")])
        for (text, problem) in [
            ("p.mx=1", "did you mean 'max'?"), ("q.max=1", "no plugin has a policy or process 'q' (did you mean 'p'?)"),
            ("p.max=x", "'p.max' must be an integer, got 'x'"), ("max=1", "is not POLICY.KEY=VALUE"),
        ] {
            let error = #expect(throws: PluginError.self) { try all.set(text) }
            #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
        }
    }

    @Test func stubsAndTheMachineAgree() throws {
        let entries = APITable.classes.first { $0.role == .namespace }?.entries ?? []
        // Those of tests and workloads are not there for plugins.
        let others: Set<ScriptPhase> = [.test, .workload, .check]
        let reads = entries.filter { !$0.phases.isSubset(of: others) && $0.name != "workload" }
            .map { "local _ = treelog.\($0.name)\n" }.joined()
        _ = try plugin(
            reads + """

                return treelog.plugin { name = "t", version = "1.0.0", api = 1,
                    items = { treelog.item_type { name = "T", kind = 97 } } }
                """)
        let stubs = StubGenerator.luaLS()
        for entry in entries {
            #expect(stubs.contains("treelog.\(entry.name)") || stubs.contains("@field \(entry.name)"))
        }
        #expect(StubGenerator.luacheck().contains("item_type = {}"))
    }
}
