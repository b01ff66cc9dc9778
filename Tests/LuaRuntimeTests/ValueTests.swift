import LuaRuntime
import Testing

/// Values between Lua and Swift, modules, and views.
@Suite struct ValueTests {
    @Test func valuesComeBackAsTheyWent() throws {
        let machine = try LuaVM()
        let same = try machine.function("return function(...) return ... end")
        let values: [LuaValue] = [
            .nil, .boolean(true), .integer(.min), .number(0.5), .string([0, 255, 10]), .text(""), .text("ä"),
        ]
        #expect(try machine.callMany(same, values) == values)
        #expect(try machine.call(same, .unsigned(.max - 5)) == .integer(-6))
        #expect(try machine.call(same, .number(2)) == .number(2))
        #expect(try machine.call(same, .boolean(false)) == .boolean(false))
        #expect(try machine.call(same, .nil, .integer(1)) == .nil)
        #expect(try machine.call(same) == .nil)
        let bytes: [UInt8] = [1, 0, 2]
        #expect(try machine.call(same, .bytes(bytes.rawSpan)) == .string(bytes))
    }

    @Test func tablesAreReadWholeAndInOrder() throws {
        let machine = try LuaVM()
        let value = try machine.run("""
            return {name = 'counter', fields = {{'i64', 'base'}, {'i64', 'value'}}, optional = true,
              [2] = 'b', 'a', describe = function(n) return n + 1 end}
            """)
        let table = try #require(value.table)
        #expect(table.names == ["describe", "fields", "name", "optional"])
        #expect(table.list == [.text("a"), .text("b")])
        #expect(table["name"] == .text("counter"))
        #expect(table["fields"]?.table?.list.last?.table?.list.first == .text("i64"))
        #expect(table["absent"] == nil)
        let describe = try #require(table["describe"]?.function)
        #expect(try machine.call(describe, .integer(41)) == .integer(42))
        // The table itself goes back.
        let name = try machine.function("return function(t) t.name = t.name .. '!' return t.name end")
        let reference = try #require(table.reference)
        #expect(try machine.call(name, .reference(reference)) == .text("counter!"))
        #expect(try machine.call(name, .reference(reference)) == .text("counter!!"))
    }

    @Test func tablesOfSwiftBecomeTables() throws {
        let machine = try LuaVM()
        try machine.define("treelog.list") { _ in
            .table(LuaTable(fields: [
                ("numbers", .table(LuaTable(list: [.integer(1), .integer(2)]))), ("text", .text("x")),
            ]))
        }
        try machine.defineMany("treelog.both") { _ in [.integer(1), .text("two"), .table(LuaTable())] }
        try machine.define("treelog.api", value: .integer(1))
        #expect(try machine.run("local t = treelog.list() return #t.numbers .. t.text") == .text("2x"))
        let all = try machine.run("local a, b, c = treelog.both() return a .. b .. type(c)")
        #expect(all == .text("1twotable"))
        #expect(try machine.run("return treelog.api") == .integer(1))
        let error = try failure(of: "return treelog.lis", in: machine)
        #expect(error.message == "test.lua:1: 'treelog' has no field 'lis' (did you mean 'list'?)")
        let write = try failure(of: "treelog.api = 2", in: machine)
        #expect(write.message == "test.lua:1: 'treelog' cannot be changed")
    }

    @Test func referencesOutliveTheirMachineAndAreFreed() throws {
        var kept: LuaReference?
        do {
            let machine = try LuaVM()
            kept = try machine.function("return function() end")
            let before = machine.memoryInUse
            for _ in 0..<100_000 { _ = try machine.run("return function() end") }
            #expect(machine.memoryInUse < before + (1 << 20))
        }
        #expect(kept != nil)
    }

    @Test func wordsAreRecognised() throws {
        let machine = try LuaVM()
        let words = try machine.makeWords(["take", "keep", "merge"])
        let answer = try machine.function("""
            local answers = {{'keep'}, {'merge', 'bytes'}, {'tkae'}, {}, {7, 8}}
            return function(i) return table.unpack(answers[i]) end
            """)
        let choices = try (1...5).map { try machine.choose(from: words, answer, .integer(Int64($0))) }
        #expect(choices.map(\.word) == [1, 2, nil, nil, nil])
        #expect(choices.map(\.rest) == [[], [.text("bytes")], [], [], [.integer(8)]])
        #expect(choices.map(\.other) == [nil, nil, .text("tkae"), nil, .integer(7)])
    }

    @Test func modulesAreAskedForOnce() throws {
        let machine = try LuaVM()
        var asked: [String] = []
        machine.resolver = { name in
            asked.append(name)
            let texts = [
                "lib.x": "local n = 0 return {next = function() n = n + 1 return n end}", "nothing": "",
                "self": "return require 'self'", "broken": "return (", "fails": "error('inside')",
                "bytecode": "\u{1b}Lua", "sets": "leak = 1",
            ]
            if name == "throws" { throw Failure(number: 5) }
            return texts[name].map { LuaVM.Module(name: "plugin/\(name).lua", source: [UInt8]($0.utf8)) }
        }
        #expect(try machine.run("return require('lib.x').next() + require('lib.x').next()") == .integer(3))
        #expect(try machine.run("return require 'nothing' == require 'nothing'") == .boolean(true))
        #expect(asked == ["lib.x", "nothing"])
        #expect(try failure(of: "require 'self'", in: machine).message.contains("'self' requires itself"))
        #expect(try failure(of: "require 'broken'", in: machine).message.hasPrefix("plugin/broken.lua:1: "))
        #expect(try failure(of: "require 'fails'", in: machine).message == "plugin/fails.lua:1: inside")
        #expect(try failure(of: "require 'bytecode'", in: machine).message.contains("binary chunk"))
        #expect(try failure(of: "require 'sets'", in: machine).message.contains("undeclared global 'leak'"))
        #expect(try failure(of: "require 'throws'", in: machine).underlying as? Failure == Failure(number: 5))
        let absent = try failure(of: "require 'absent'", in: machine)
        #expect(absent.message == "test.lua:1: there is no module 'absent'")
    }

    @Test func machinesDoNotShareAnything() throws {
        let first = try LuaVM()
        let second = try LuaVM()
        try first.define("mine.value", value: .integer(1))
        #expect(try failure(of: "return mine", in: second).message.contains("undefined global 'mine'"))
    }

    @Test func thingsOfAnotherMachineAreMistakesOfTheProgram() async {
        await #expect(processExitsWith: .failure) {
            let first = try LuaVM()
            let second = try LuaVM()
            let function = try first.function("return function() end")
            _ = try second.call(function)
        }
    }
}
