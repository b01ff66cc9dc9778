import BlockDevices
import BtrfsVolume
import LuaRuntime
import TestSupport
import Testing
import TreeLog
import TreeLogLua

/// A workload from text.
private func workload(_ text: String, settings: [String] = [], seed: UInt64 = 0) throws -> Workload {
    try Workload(PluginSource(named: "test", files: ["plugin.lua": Array(text.utf8)]), settings: settings, seed: seed)
}

/// A workload whose `run` is this.
private func workload(run: String, check: String = "") throws -> Workload {
    try workload(
        """
        return treelog.workload {
          name = "test",
          run = function(fs) \(run) end,
          check = function(fs, crash) \(check) end,
        }
        """)
}

private func definitionProblems(_ text: String, settings: [String] = []) -> [String] {
    do {
        _ = try workload(text, settings: settings)
        return []
    } catch let error as PluginError {
        return error.problems.map(\.description)
    } catch {
        return ["\(error)"]
    }
}

/// Why a workload fails, at whichever crash.
private func failure(_ workload: Workload) throws -> WorkloadFailure? {
    do {
        let plan = try workload.plan(on: try workload.volume.makeDevice())
        for crash in plan.usualCrashes { try workload.judge(crash, of: plan) }
        return nil
    } catch let error as WorkloadFailure {
        return error
    }
}

@Suite struct WorkloadTests {
    // MARK: Definitions

    @Test func tellsAllThatIsWrongWithADefinition() {
        let found = definitionProblems(
            """
            return treelog.workload {
              name = "Bad", setpu = function() end, volume = { size = 5, chekcsum = "md5" }, run = 3,
              params = {},
            }
            """)
        let features = definitionProblems(
            "return treelog.workload { name = 'a', run = function() end, volume = { features = { 'no-hole', {} } } }")
        #expect(features.contains { $0.contains("unknown feature \"no-hole\" (did you mean \"no-holes\"?)") })
        #expect(features.contains { $0.contains("features must be strings, got table") })
        #expect(found.contains { $0.contains("did you mean \"setup\"") && $0.contains("plugin.lua:1") })
        #expect(found.contains { $0.contains("name must be lower case") })
        #expect(found.contains { $0.contains("run must be a function") })
        #expect(found.contains { $0.contains("size must be") })
        #expect(found.contains { $0.contains("did you mean \"checksum\"") })
        #expect(found.contains { $0.contains("did you mean \"parameters\"") })
    }

    /// Without no-holes a gap is an item, and one of a log as well.
    @Test func volumesHaveTheFeaturesThatAreSaid() throws {
        let work = try workload(
            """
            return treelog.workload {
              name = "gap", volume = { features = { "^no-holes", "mixed-bg" } },
              run = function(fs) fs:create "/a"; fs:truncate("/a", 8192); fs:fsync "/a" end,
              check = function(fs) treelog.expect_equal(fs:read "/a", ("\\0"):rep(8192)) end,
            }
            """)
        #expect(!work.volume.options.hasNoHoles && work.volume.options.hasMixedGroups)
        #expect(work.volume.options.nodeSize == 4096)
        #expect(try failure(work) == nil)
        let impossible = definitionProblems(
            "return treelog.workload { name = 'a', run = function() end, volume = { mixed = true, node_size = 16384 } }")
        #expect(impossible.joined().contains("plugin.lua:1: workload \"a\": volume: there can be no such volume"))
    }

    @Test func onlyAWorkloadIsAWorkload() {
        #expect(definitionProblems("return 1") == ["test/plugin.lua: it must return treelog.workload { … }"])
        #expect(definitionProblems("error 'no'").first?.contains("no") == true)
    }

    @Test func parametersAreSet() throws {
        let text = """
            return treelog.workload {
              name = "test", parameters = { files = 1, word = "a" },
              run = function(fs, p) for i = 1, p.files do fs:create("/" .. p.word .. i) end end,
              check = function(fs, crash, p) treelog.expect_equal(p.word, "x") end,
            }
            """
        let workload = try workload(text, settings: ["files=3", "word=x"])
        let plan = try workload.plan(on: try workload.volume.makeDevice())
        #expect(plan.steps.map(\.text) == ["create \"/x1\"", "create \"/x2\"", "create \"/x3\""])
        try workload.judge(plan.usualCrashes[0], of: plan)
        #expect(definitionProblems(text, settings: ["fiels=3"]).first?.contains("did you mean 'files'") == true)
        #expect(definitionProblems(text, settings: ["files=many"]).first?.contains("must be an integer") == true)
    }

    // MARK: Errors

    @Test(
        arguments: [
            ("fs:write(\"/a\")", "fs:write: bytes must be a string, got nothing"),
            ("fs:write(\"/a\", \"b\", -1)", "fs:write: offset must not be negative, got -1"),
            ("fs.unlink(\"/a\")", "fs expected, got string"),
            ("fs:unlink(\"/a\", 1)", "fs:unlink: 2 arguments, and it takes (path)"),
            ("fs:ulink \"/a\"", "fs has no operation 'ulink' (did you mean 'link'?)"),
            ("fs:rename(\"/a\", \"/b\", \"swap\")", "how must be \"exchange\" or \"no_replace\", got \"swap\""),
            ("fs:unlink \"/a\"", "unlink /a: ENOENT"),
            ("fs:mark \"a\"; fs:mark \"a\"", "'a' was given before"),
            ("fs:read(7)", "EBADF"),
            ("fs:read \"/\"", "read /: EISDIR"),
            ("fs:append(\"/\", \"b\")", "append /: EISDIR"),
        ])
    func tellsOfMisuseWithFileAndLine(_ script: String, _ message: String) throws {
        let failure = try #require(try failure(try workload(run: "\n" + script)))
        #expect(failure.kind == .script)
        #expect(failure.message.hasPrefix("test/plugin.lua:4: "), "\(failure.message)")
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    @Test(
        arguments: [
            ("treelog.expect(false, \"no\")", "no"),
            ("treelog.expect_equal({ 1, \"a\" }, { 1, \"b\" })", "got { 1, \"a\" }, expected { 1, \"b\" }"),
            ("treelog.expect_equal(fs:read \"/a\", (\"x\"):rep(5000), \"content\")",
             "content: got 5000 bytes, expected 5000; from byte 4000 on got \"yyyy"),
            ("treelog.expect_error(\"EEXIST\", fs.unlink, fs, \"/none\")", "got ENOENT (plugin.lua:5: unlink /none: ENOENT)"),
            ("treelog.expect_error(\"EEXIST\", fs.exists, fs, \"/a\")", "got no error, expected EEXIST"),
        ])
    func tellsWhatWasExpected(_ check: String, _ message: String) throws {
        let run = "fs:write(\"/a\", (\"x\"):rep(4000) .. (\"y\"):rep(1000)); fs:fsync \"/a\""
        let failure = try #require(try failure(try workload(run: run, check: "\n" + check)))
        #expect(failure.kind == .expectation)
        #expect(failure.function == "check")
        #expect(failure.message.hasPrefix("test/plugin.lua:5: "), "\(failure.message)")
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    @Test func errorsAreCaughtByTheirCode() throws {
        let failure = try failure(
            try workload(
                run: """
                    treelog.expect_error("ENOENT", function() fs:unlink "/a" end)
                    local done, code = treelog.try(fs.mkdir, fs, "/")
                    treelog.expect(not done)
                    treelog.expect_equal(code, "EEXIST")
                    local ok, why = pcall(fs.rmdir, fs, "/none")
                    treelog.expect(not ok and why:find("rmdir /none: ENOENT", 1, true), why)
                    """))
        #expect(failure == nil, "\(String(describing: failure))")
    }

    // MARK: Random numbers

    @Test func theSameSeedMakesTheSameRun() throws {
        let text = """
            return treelog.workload {
              name = "test",
              run = function(fs)
                for i = 1, 20 do
                  local n = treelog.random(5)
                  treelog.expect(n >= 1 and n <= 5)
                  fs:write("/f" .. n, treelog.random_bytes(treelog.random(0, 100)), treelog.random(0, 1000))
                  treelog.expect(treelog.pick { 1, 2 } < 3)
                end
              end,
            }
            """
        func steps(_ seed: UInt64) throws -> [String] {
            let workload = try workload(text, seed: seed)
            return try workload.plan(on: try workload.volume.makeDevice()).steps.map(\.text)
        }
        #expect(try steps(1) == steps(1))
        #expect(try steps(1) != steps(2))
    }

    @Test func randomNumbersAreForRunOnly() throws {
        let failure = try #require(try failure(try workload(run: "", check: "treelog.random()")))
        #expect(failure.message.contains("cannot be called in check of a workload"))
    }

    // MARK: Crashes

    @Test func aCrashIsAfterTheMarksThatWerePassed() throws {
        let workload = try workload(
            run: """
                fs:write("/a", "1"); fs:fsync "/a"; fs:mark "one"
                fs:write("/b", "2"); fs:sync(); fs:mark "two"
                fs:write("/c", "3")
                """,
            check: """
                treelog.expect(crash:after "one")
                treelog.expect_equal(crash:before "two", not fs:exists "/b")
                treelog.expect(not fs:exists "/c", "it was not durable")
                treelog.expect(crash.operation > 0 and #crash.point > 0)
                """)
        #expect(try failure(workload) == nil)
        let plan = try workload.plan(on: try workload.volume.makeDevice())
        #expect(plan.crash(atMark: "one")?.text == "after mark \"one\"")
        #expect(plan.crash(atMark: "three") == nil)
        #expect(plan.crash(afterOperation: 0)?.text == "before all")
        #expect(plan.crash(afterOperation: 100) == nil)
    }

    @Test func aMarkThatIsNotSetIsAMistake() throws {
        let failure = try #require(
            try failure(try workload(run: "fs:mark \"done\"", check: "return crash:after \"doen\"")))
        #expect(failure.message.contains("run sets no mark 'doen' (did you mean 'done'?)"))
    }

    @Test func aCrashInRunLosesWhatIsNotDurable() throws {
        let failure = try failure(
            try workload(
                run: """
                    fs:write("/a", "1"); fs:fsync "/a"
                    fs:write("/b", "2")
                    fs:crash()
                    treelog.expect_equal(fs:readdir "/", { "a" })
                    fs:write("/b", "2")
                    fs:remount()
                    treelog.expect_equal(fs:readdir "/", { "a", "b" })
                    """))
        #expect(failure == nil, "\(String(describing: failure))")
    }

    @Test func everyOperationOfTheAPIIsThere() throws {
        for name in APITable.classes.first(where: { $0.name == "treelog.FileSystem" })?.entries.map(\.name) ?? [] {
            let failure = try failure(try workload(run: "fs.\(name)(fs, {}, {}, {})"))
            #expect(failure?.message.contains("no volume is mounted") != true, "\(name)")
        }
    }

    // MARK: Items of plugins

    /// The word `logged` of an item type says what an fsync makes of its items.
    @Test func itemsAreLoggedByTheRuleOfTheirType() throws {
        let types = try plugin(
            parts: """
                local function type(name, kind, logged)
                  return treelog.item_type {
                    name = name, kind = kind, logged = logged, optional = true, stage = "all", fields = { u64 "value" },
                  }
                end
                parts.items = {
                  type("EACH", 97, "with_inode"), type("CHANGED", 98, "if_changed"), type("NEVER", 99, "never"),
                }
                """)
        var options = MountOptions()
        try types.register(in: &options.registry)
        let work = try workload(
            """
            local new, old = ("n"):rep(8), ("o"):rep(8)
            return treelog.workload {
              name = "test",
              setup = function(fs)
                fs:create "/f"
                for kind = 97, 99 do fs:put_item("/f", kind, 1, old) end
              end,
              run = function(fs)
                for kind = 97, 99 do fs:put_item("/f", kind, 1, new); fs:put_item("/f", kind, 2, new) end
                treelog.expect_equal(fs:fsync("/f").outcome, "logged")
                fs:mark "logged"
              end,
              check = function(fs, crash)
                if not crash:after "logged" then return end
                for kind = 97, 98 do
                  treelog.expect_equal(fs:get_item("/f", kind, 1), new)
                  treelog.expect_equal(fs:get_item("/f", kind, 2), new)
                end
                treelog.expect_equal(fs:get_item("/f", 99, 1), old)
                treelog.expect_equal(fs:get_item("/f", 99, 2), nil)
              end,
            }
            """)
        let plan = try work.plan(on: try work.volume.makeDevice(), options)
        for crash in plan.usualCrashes { try work.judge(crash, of: plan, options) }
    }

    @Test func anFsyncTellsWhatItDid() throws {
        let work = try workload(
            run: """
                fs:create "/f"
                treelog.expect_equal(fs:fsync("/f").outcome, "logged")
                treelog.expect_equal(fs:fsync("/f").outcome, "nothing")
                fs:subvolume "/s"
                fs:write("/f", "x")
                local result = fs:fdatasync "/f"
                treelog.expect_equal(result.outcome, "full_commit")
                treelog.expect_equal(result.reason, "new_subvolume")
                """)
        _ = try work.plan(on: try work.volume.makeDevice())
    }

    @Test func itemTypesOfTheWorkloadItselfAreKnown() throws {
        let work = try workload(
            """
            local NOTE = treelog.item_type {
              name = "NOTE", kind = 97, logged = "with_inode", optional = true, stage = "all",
              fields = { treelog.u64 "value" },
            }
            return treelog.workload {
              name = "test",
              setup = function(fs) fs:create "/f" end,
              run = function(fs)
                fs:put_item("/f", 97, 1, ("n"):rep(8))
                treelog.expect_equal(fs:fsync("/f").outcome, "logged")
                fs:mark "logged"
              end,
              check = function(fs, crash)
                if crash:after "logged" then treelog.expect_equal(fs:get_item("/f", 97, 1), ("n"):rep(8)) end
              end,
            }
            """)
        let plan = try work.plan(on: try work.volume.makeDevice())
        for crash in plan.usualCrashes { try work.judge(crash, of: plan) }
        // A type that is there already is not declared twice.
        let other = try plugin(
            parts: """
                parts.items = { treelog.item_type {
                  name = "OTHER", kind = 97, optional = true, stage = "all", fields = { u64 "value" } } }
                """)
        var options = MountOptions()
        try other.register(in: &options.registry)
        let failure = #expect(throws: WorkloadFailure.self) {
            try work.plan(on: try work.volume.makeDevice(), options)
        }
        #expect(failure?.kind == .script && failure?.message.contains("item \"NOTE\"") == true)
    }
}
