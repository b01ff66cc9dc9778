import LuaRuntime
import Testing

/// What holds for errors between Lua and Swift: (1) every Swift frame that Lua unwinds ran its `defer` and
/// ended its objects; (2) a Swift error comes back as itself; (3) a script's place stands before each
/// message.
@Suite struct ErrorTests {
    enum Origin: CaseIterable { case lua, swift }
    enum Passage: CaseIterable {
        case untouched, caughtByLua, caughtBySwift, replacedBySwift, raisedAgainByLua
    }

    @Test(arguments: Origin.allCases, Passage.allCases)
    func everyDirectionAndDepth(_ origin: Origin, _ passage: Passage) throws {
        for depth in 1...12 {
            let frames = Frames()
            let machine = try LuaVM()
            try machine.define("descend") { arguments in
                let witness = Frames.Witness(frames)
                defer { witness.frames.deferred += 1 }
                let step = try arguments.function(0)
                let level = try arguments.integer(1)
                if level == 0, origin == .swift { throw Failure(number: depth) }
                do {
                    return try arguments.machine.call(step, .integer(level))
                } catch {
                    switch passage {
                    case .caughtBySwift where level == depth / 2: return .text("swift caught")
                    case .replacedBySwift: throw Failure(number: Int(level))
                    default: throw error
                    }
                }
            }
            let catching = passage == .caughtByLua ? depth / 2 : -1
            let step = try machine.function("""
                local function step(level)
                  if level == 0 then error('bottom') end
                  if level == \(catching) then
                    local ok, message = pcall(descend, step, level - 1)
                    return 'lua caught ' .. tostring(ok)
                  end
                  if \(passage == .raisedAgainByLua) then
                    local ok, message = pcall(descend, step, level - 1)
                    error(message, 0)
                  end
                  return descend(step, level - 1)
                end
                return step
                """)
            let start = Int64(depth)
            switch passage {
            case .caughtByLua where depth / 2 > 0:
                #expect(try machine.call(step, .integer(start)) == .text("lua caught false"))
            case .caughtBySwift where depth / 2 < depth && !(depth / 2 == 0 && origin == .swift):
                #expect(try machine.call(step, .integer(start)) == .text("swift caught"))
            default:
                let error = try #require(throws: LuaError.self) { try machine.call(step, .integer(start)) }
                #expect(error.message.hasPrefix("test.lua:"))
                #expect(error.kind == .host)
                let expected: Failure? =
                    switch (origin, passage) {
                    case (.swift, .replacedBySwift): Failure(number: depth - 1)
                    case (.lua, .replacedBySwift): Failure(number: depth - 1)
                    case (.swift, _): Failure(number: depth)
                    case (.lua, _): nil
                    }
                if depth > 1 || passage != .replacedBySwift || origin == .lua {
                    #expect(error.rootCause as? Failure == expected)
                }
            }
            #expect(frames.entered == depth)
            #expect(frames.deferred == frames.entered)
            #expect(frames.ended == frames.entered)
            #expect(try machine.run("return 1") == .integer(1))
        }
    }

    @Test func swiftErrorHasThePlaceOfTheScriptAndATraceback() throws {
        let machine = try LuaVM()
        try machine.define("treelog.reserve") { _ in throw Failure(number: 28) }
        let error = try failure(
            of: """
                local function fill(n)
                  treelog.reserve(n)
                end
                fill(7)
                """, in: machine)
        #expect(error.kind == .host)
        #expect(error.message == "test.lua:2: Failure(number: 28)")
        #expect(error.underlying as? Failure == Failure(number: 28))
        #expect(
            error.traceback == """
                stack traceback:
                \t[C]: in field 'reserve'
                \ttest.lua:2: in local 'fill'
                \ttest.lua:4: in main chunk
                """.replacing("\\t", with: "\t"))
    }

    @Test func manyErrorsOfWhichAnOldOneIsRaised() throws {
        let machine = try LuaVM()
        try machine.define("fail") { arguments in throw Failure(number: Int(try arguments.integer(0))) }
        let raise = """
            local messages = {}
            for i = 1, COUNT do local _, m = pcall(fail, i) messages[i] = m end
            error(messages[1], 0)
            """
        let recent = try failure(of: raise.replacing("COUNT", with: "8"), in: machine)
        #expect(recent.underlying as? Failure == Failure(number: 1))
        // Of more than eight the first is forgotten; its text is not.
        let forgotten = try failure(of: raise.replacing("COUNT", with: "9"), in: machine)
        #expect(forgotten.kind == .runtime)
        #expect(forgotten.message.hasSuffix("Failure(number: 1)"))
    }

    @Test func limitGoesThroughSwiftThatCatchesIt() throws {
        let machine = try LuaVM(limits: .small)
        try machine.define("swallow") { arguments in
            _ = try? arguments.machine.call(try arguments.function(0))
            return .text("went on")
        }
        let error = try failure(
            of: "return pcall(swallow, function() while true do end end)", in: machine)
        #expect(error.kind == .instructions)
        #expect(error.message == "test.lua:1: more than 2000000 instructions in one call")
        #expect(try machine.run("return 1") == .integer(1))
    }

    @Test(arguments: [
        ("error('text')", "test.lua:1: text"), ("error('text', 0)", "text"), ("error({})", "an error that is no text: table"),
        ("error()", "an error that is no text: nil"), ("error(nil)", "an error that is no text: nil"),
        ("error(42)", "42"), ("error(4.5)", "4.5"),
        ("error(false)", "an error that is no text: false"),
        ("error(print)", "test.lua:1: undefined global 'print'"),
        ("error(function() end)", "an error that is no text: function"),
        ("error(setmetatable({}, {__tostring = function() return 'mine' end}))", "mine"),
        ("error(setmetatable({}, {__tostring = function() error('worse') end}))", "test.lua:1: worse"),
        (
            "error(setmetatable({}, {__tostring = function() return {} end}))",
            "'__tostring' must return a string"
        ),
        ("error(setmetatable({}, {__name = 'thing'}))", "an error that is no text: thing"),
        ("local t = nil; t.x = 1", "test.lua:1: attempt to index a nil value (local 't')"),
        ("error(('x'):rep(100000))", nil),
        ("xpcall(error, function(e) error(e) end) error('after', 0)", "after"),
    ] as [(String, String?)])
    func errorsOfAllTypes(_ text: String, _ message: String?) throws {
        let machine = try LuaVM()
        let error = try failure(of: text, in: machine)
        #expect(error.kind == .runtime)
        if let message { #expect(error.message == message) }
        #expect(error.message.utf8.count < 4096)
        #expect(error.traceback.utf8.count < 4096)
        #expect(try machine.run("return 1") == .integer(1))
    }

    @Test func longTracebacksAreCutInTheMiddle() throws {
        let machine = try LuaVM()
        let name = String(repeating: "n", count: 5000)
        let error = try failure(
            of: """
                local function \(name)(n) if n == 0 then error('deep') end return 1 + \(name)(n - 1) end
                \(name)(800)
                """, in: machine)
        #expect(error.message == "test.lua:1: deep")
        let lines = error.traceback.split(separator: "\n")
        #expect(lines.count <= 23)
        #expect(lines.contains { $0.contains("... (") })
        #expect(lines.last == "\ttest.lua:2: in main chunk")
    }

    @Test func argumentErrorsAreLikeLuas() throws {
        let machine = try LuaVM()
        try machine.define("treelog.double") { .integer(try $0.integer(0) &* 2) }
        #expect(try machine.run("return treelog.double(21)") == .integer(42))
        let error = try failure(of: "treelog.double('x')", in: machine)
        #expect(
            error.message == "test.lua:1: bad argument #1 to 'treelog.double' (integer expected, got string)")
        let missing = try failure(of: "treelog.double()", in: machine)
        #expect(missing.message.hasSuffix("(integer expected, got no value)"))
    }

    @Test func syntaxErrorsAndBytecode() throws {
        let machine = try LuaVM()
        let error = try failure(of: "return function( end", in: machine)
        #expect(error.kind == .syntax)
        #expect(error.message.hasPrefix("test.lua:1: "))
        let bytecode = try failure(of: "\u{1b}Lua\u{54}\u{00}", in: machine)
        #expect(bytecode.kind == .syntax)
        #expect(bytecode.message.contains("attempt to load a binary chunk"))
    }
}
