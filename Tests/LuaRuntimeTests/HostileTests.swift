import Dispatch
import LuaRuntime
import Testing

/// Scripts that mean harm: each ends with a clear error within its budget, and the machine works afterwards.
@Suite struct HostileTests {
    struct Script: Sendable, CustomTestStringConvertible {
        let title: String
        let text: String
        let kind: LuaError.Kind
        var testDescription: String { title }

        init(_ title: String, _ kind: LuaError.Kind, _ text: String) {
            self.title = title
            self.text = text
            self.kind = kind
        }
    }

    static let loops: [Script] = [
        Script("loop", .instructions, "while true do end"),
        Script("for", .instructions, "for i = 1, math.huge do end"),
        Script("goto", .instructions, "::again:: goto again"),
        Script("tail calls", .instructions, "local function f() return f() end f()"),
        Script("pcall", .instructions, "while true do pcall(function() while true do end end) end"),
        Script("xpcall", .instructions,
            "while true do xpcall(function() while true do end end, function() while true do end end) end"),
        Script("handler", .instructions, "xpcall(error, function() while true do end end)"),
        Script("__index", .instructions,
            "local t = setmetatable({}, {__index = function() while true do end end}) return t.x"),
        Script("__eq", .instructions,
            "local m = {__eq = function() while true do end end} "
                + "return setmetatable({}, m) == setmetatable({}, m)"),
        Script("__concat in pcall", .instructions,
            "local t = setmetatable({}, {__concat = function() while true do end end}) "
                + "while true do pcall(function() return t .. 'x' end) end"),
        Script("__close", .instructions,
            "local x <close> = setmetatable({}, {__close = function() while true do end end})"),
        Script("__close after the limit", .instructions,
            "local x <close> = setmetatable({}, {__close = function() while true do end end}) "
                + "while true do end"),
        Script("many __close", .instructions, """
            local m = {__close = function() while true do pcall(function() while true do end end) end end}
            local function f(n)
              local x <close> = setmetatable({}, m)
              if n > 0 then f(n - 1) end
              while true do end
            end
            f(100)
            """),
        Script("__tostring of an error", .instructions,
            "error(setmetatable({}, {__tostring = function() while true do end end}))"),
        Script("__pairs", .instructions,
            "local m = {__pairs = function() return function() return 1 end end} "
                + "for _ in pairs(setmetatable({}, m)) do end"),
        Script("__call", .instructions,
            "setmetatable({}, {__call = function() while true do end end})()"),
        Script("gsub", .instructions, "('x'):gsub('x', function() while true do end end)"),
        Script("sort", .instructions, "table.sort({1, 2}, function() while true do end end)"),
        Script("exponential pcall", .instructions, "local function f() pcall(f) pcall(f) end f()"),
    ]

    static let library: [Script] = [
        Script("empty rep", .instructions, "while true do ('').rep('', 1 << 62) end"),
        Script("rep in pcall", .instructions, "while true do pcall(string.rep, 'x', 1 << 20) end"),
        Script("huge rep", .runtime, "return #('x'):rep(1 << 40)"),
        Script("overflowing rep", .runtime, "return #('xy'):rep((1 << 63) - 1, 'z')"),
        Script("concat with __len", .runtime,
            "return table.concat(setmetatable({}, {__len = function() return 1 << 60 end}))"),
        Script("concat with __index", .runtime,
            "return #table.concat(setmetatable({}, {__index = function() return ('x'):rep(1000) end, "
                + "__len = function() return 1 << 60 end}))"),
        Script("concat of nothing", .instructions,
            "return table.concat(setmetatable({}, {__index = function() return '' end}), '', 1, 1 << 60)"),
        Script("move", .instructions, "table.move({}, 1, 1 << 61, 2)"),
        Script("move in pcall", .instructions, "while true do pcall(table.move, {}, 1, 1 << 61, 2) end"),
        Script("insert", .instructions,
            "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 1)"),
        Script("remove", .instructions,
            "table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)"),
        Script("sort with __len", .runtime,
            "table.sort(setmetatable({}, {__len = function() return 1 << 60 end}))"),
        Script("sort with half of that", .instructions,
            "table.sort(setmetatable({}, {__len = function() return 1 << 30 end}))"),
        Script("unpack", .runtime, "return table.unpack({}, 1, 1 << 40)"),
        Script("unpack in a loop", .instructions, "while true do select('#', table.unpack({}, 1, 200)) end"),
        Script("byte in a loop", .instructions,
            "local s = ('x'):rep(100000) while true do pcall(string.byte, s, 1, -1) end"),
        Script("upper in a loop", .instructions, "local s = ('x'):rep(1 << 20) while true do s:upper() end"),
        Script("tonumber", .instructions,
            "local s = (' '):rep(1 << 20) .. '1' while true do tonumber(s) end"),
        Script("pack", .memory, "return string.pack('c' .. (1 << 40), 'x')"),
        Script("next", .instructions,
            "local t = {} for i = 1, 20000 do t['k' .. i] = 1 end for _ in next, t do end"),
        Script("utf8", .instructions, "local s = ('x'):rep(1 << 20) while true do utf8.len(s) end"),
        Script("gsub that grows", .runtime, "return ('x'):rep(60000):gsub('.', ('y'):rep(1000))"),
        Script("format", .runtime, "return string.format('%99999d', 1)"),
    ]

    /// What single instructions do, often: much fewer than the limit.
    static let instructions: [Script] = [
        Script("equality of long strings", .instructions,
            "local a, b = ('a'):rep(1 << 20), ('a'):rep(1 << 20) for i = 1, 100000 do local _ = a == b end"),
        Script("order of long strings", .instructions,
            "local a, b = ('a'):rep(1 << 20), ('a'):rep(1 << 20) for i = 1, 100000 do local _ = a < b end"),
        Script("long strings as keys", .instructions,
            "local s, t = ('a'):rep(1 << 19), {} t[s .. 'b'] = 1 "
                + "local k = s .. 'b' for i = 1, 100000 do local _ = t[k] end"),
        Script("arguments passed on", .instructions,
            "local function f(n, ...) if n > 0 then return f(n - 1, n, ...) end end f(10000)"),
        Script("arguments counted", .instructions,
            "local function f(...) for i = 1, 50000 do local _ = select('#', ...) end end "
                + "f(table.unpack({}, 1, 10000))"),
    ]

    static let patterns: [Script] = [
        Script("back-tracking", .pattern, "return ('a'):rep(30000):find(('.-'):rep(6) .. 'b')"),
        Script("back-tracking in pcall", .pattern,
            "while true do pcall(string.find, ('a'):rep(30000), ('.-'):rep(6) .. 'b') end"),
        Script("stars", .pattern, "return ('a'):rep(60000):match('.*.*.*.*b')"),
        Script("sets", .pattern, "return ('a'):rep(60000):match('[a-z]*[%a]*[^b]*b')"),
        Script("captures", .pattern, "return ('a'):rep(60000):match('(.-)(.-)(.-)%1%2b')"),
        Script("balance", .pattern, "return ('('):rep(60000):find('%b()')"),
        Script("gmatch", .pattern, "for x in ('a'):rep(60000):gmatch('.-.-.-b') do end"),
        Script("gsub", .pattern, "return ('a'):rep(60000):gsub('.-.-.-b', '')"),
        Script("cheap ones, often", .instructions,
            "local s = ('a'):rep(100) while true do s:find('a-b') end"),
        Script("plain find, often", .instructions,
            "local s = ('a'):rep(1 << 20) while true do s:find('b', 1, true) end"),
        Script("long subject", .runtime, "return ('a'):rep(65537):find('a+')"),
        Script("deep pattern", .runtime, "return ('a'):rep(300):match(('a?'):rep(300))"),
        Script("many captures", .runtime, "return ('a'):match(('()'):rep(100))"),
    ]

    static let memory: [Script] = [
        Script("table", .memory, "local t = {} for i = 1, 1e9 do t[i] = i end"),
        Script("table in pcall", .memory,
            "while true do pcall(function() local t = {} for i = 1, 1e9 do t[i] = i end end) end"),
        Script("strings", .memory, "local t, s = {}, ('x'):rep(1000) for i = 1, 1e9 do t[i] = s .. i end"),
        Script("doubling", .memory, "local s = 'x' while true do s = s .. s end"),
        Script("doubling in pcall", .memory,
            "local s = 'x' while true do pcall(function() while true do s = s .. s end end) end"),
        Script("closures", .memory, "local f while true do local g = f f = function() return g end end"),
        Script("varargs", .instructions,
            "local function f(...) return f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...) end f()"),
        Script("__close of a full machine", .memory, """
            local function bomb() local s = 'x' while true do s = s .. s end end
            local x <close> = setmetatable({}, {__close = bomb})
            local t = {} for i = 1, 1e9 do t[i] = {} end
            """),
    ]

    static let recursion: [Script] = [
        Script("functions", .depth, "local function f() return 1 + f() end f()"),
        Script("functions in pcall", .depth,
            "local function f() return 1 + f() end while true do pcall(f) end"),
        Script("__index", .runtime,
            "local t t = setmetatable({}, {__index = function(_, k) return t[k + 1] end}) return t[1]"),
        Script("__tostring", .runtime,
            "local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) "
                + "return tostring(t)"),
        Script("format", .runtime,
            "local t t = setmetatable({}, {__tostring = function() return ('%s'):format(t) end}) "
                + "return tostring(t)"),
        Script("gsub", .runtime, "local function f() return (('x'):gsub('x', f)) end f()"),
        Script("sort", .runtime, "local function f() table.sort({1, 2}, f) return false end f()"),
        Script("handlers", .runtime,
            "local function f() error(setmetatable({}, {__tostring = f})) end f()"),
        Script("a table that contains itself", .runtime, "local t = {} t.t = t return t"),
        Script("a table of shared tables", .runtime,
            "local t = {} for _ = 1, 14 do t = {t, t, t} end return t"),
        Script("a table with a table as key", .runtime, "return {[{}] = 1}"),
        Script("__index chain", .runtime, "local t = {} setmetatable(t, {__index = t}) return t.x"),
    ]

    static let texts: [Script] = [
        Script("parentheses", .syntax, "return " + String(repeating: "(", count: 10_000)),
        Script("braces", .syntax, "return " + String(repeating: "{", count: 10_000)),
        Script("functions", .syntax, String(repeating: "return function() ", count: 10_000)),
        Script("blocks", .syntax, String(repeating: "do ", count: 10_000)),
        Script("unary", .syntax, "return " + String(repeating: "- ", count: 10_000)),
        Script("concatenations", .syntax, "return 'x'" + String(repeating: "..'x'", count: 10_000)),
        Script("locals", .syntax, (0..<300).map { "local a\($0) " }.joined()),
        Script("long", .syntax, "return " + String(repeating: " ", count: 300 << 10)),
        Script("open string", .syntax, "return [==[" + String(repeating: "x", count: 100_000)),
        Script("bytecode", .syntax, "\u{1b}LuaS"),
        Script("labels", .syntax, (0..<8000).map { "::a\($0)::" }.joined() + "goto b"),
    ]

    @Test(arguments: [loops, library, instructions, patterns, memory, recursion, texts].joined())
    func endsWithinItsBudget(_ script: Script) throws {
        let machine = try LuaVM(limits: .small)
        for round in 1...2 {
            var error: LuaError?
            let time = ContinuousClock().measure {
                error = #expect(throws: LuaError.self) { try machine.run(script.text) }
            }
            #expect(error?.kind == script.kind, "\(error?.description ?? "") (round \(round))")
            #expect(error?.message.isEmpty == false)
            #expect(time < .seconds(30))
            #expect(machine.memoryPeak <= LuaLimits.small.memoryBytes)
            #expect(try machine.run("return ('a1'):match('%d')") == .text("1"))
        }
    }

    @Test(arguments: [
        ("setmetatable({}, {__gc = function() while true do end end})", "'__gc' is not available here"),
        ("setmetatable({}, {__mode = 'k'})", "'__mode' is not available here"),
        ("x = 1", "assignment to undeclared global 'x'"),
        ("_G.x = 1", "assignment to undeclared global 'x'"),
        ("rawset(_G, 'x', 1)", "a table of the host cannot be changed"),
        ("string.rep = nil", "'string' cannot be changed"),
        ("rawset(string, 'rep', nil)", "a table of the host cannot be changed"),
        ("table.insert(string, 1)", "'string' cannot be changed"),
        ("table.sort(setmetatable(string, {}))", "cannot change a protected metatable"),
        ("setmetatable(_G, {})", "cannot change a protected metatable"),
        ("getmetatable('').__index = nil", "attempt to index a boolean value"),
        ("getmetatable(_G).__newindex = nil", "attempt to index a boolean value"),
        ("return prnt", "undefined global 'prnt'"),
        ("return strin.rep", "undefined global 'strin' (did you mean 'string'?)"),
        ("return table.inser", "'table' has no field 'inser' (did you mean 'insert'?)"),
        ("return coroutine", "undefined global 'coroutine'"),
        ("return io", "undefined global 'io'"), ("return os", "undefined global 'os'"),
        ("return debug", "undefined global 'debug'"), ("return package", "undefined global 'package'"),
        ("return load", "undefined global 'load'"), ("return dofile", "undefined global 'dofile'"),
        ("return loadfile", "undefined global 'loadfile'"),
        ("return collectgarbage", "undefined global 'collectgarbage'"),
        ("return string.dump", "'string' has no field 'dump'"),
        ("return math.random()", "'math' has no field 'random'"),
        ("return math.randomseed(1)", "'math' has no field 'randomseed'"),
        ("return ('%p'):format({})", "'%p' is not available"),
        ("for _ in pairs({[{}] = 1}) do end", "a table with a table as key has no fixed order"),
        ("next({[print] = 1})", "undefined global 'print'"),
        ("next({[error] = 1})", "a table with a function as key has no fixed order"),
        ("require '../x'", "a module's name has only"), ("require '/etc/passwd'", "a module's name has only"),
        ("require ''", "a module's name has only"), ("require 'a..b'", "a module's name has only"),
        ("require 'A'", "a module's name has only"), ("require 'a\\0b'", "a module's name has only"),
        ("require 'absent'", "there is no module 'absent'"),
    ])
    func isRefused(_ text: String, _ reason: String) throws {
        let machine = try LuaVM()
        let error = try failure(of: text, in: machine)
        #expect(error.kind == .runtime)
        #expect(error.message.contains(reason), "\(error)")
        #expect(try machine.run("return ('x'):rep(3)") == .text("xxx"))
    }

    @Test func totalBudgetKillsTheMachine() throws {
        var limits = LuaLimits.small
        limits.instructionsInTotal = 5_000_000
        let machine = try LuaVM(limits: limits)
        var kinds: [LuaError.Kind] = []
        for _ in 0..<4 { kinds.append(try failure(of: "while true do end", in: machine).kind) }
        #expect(kinds == [.instructions, .instructions, .totalInstructions, .totalInstructions])
        #expect(machine.instructionsLeft <= 0)
        #expect(try failure(of: "return 1", in: machine).kind == .totalInstructions)
    }

    @Test func outputIsLimited() throws {
        var limits = LuaLimits.small
        limits.outputBytes = 100
        let machine = try LuaVM(limits: limits)
        var written = 0
        try machine.define("write") { arguments in
            let text = try arguments.display(0)
            try? arguments.machine.countOutput(text.utf8.count)  // even so the script is stopped
            written += 1
            return .nil
        }
        let error = try failure(of: "while true do pcall(write, 'ten bytes.') end", in: machine)
        #expect(error.kind == .output)
        #expect(error.message == "test.lua:1: more than 100 bytes of output")
        #expect(written == 11)
        #expect(try machine.run("return 1") == .integer(1))
    }

    @Test func interruptFromAnotherThread() throws {
        var limits = LuaLimits()
        limits.instructionsPerCall = .max
        limits.instructionsInTotal = .max
        let machine = try LuaVM(limits: limits)
        let interrupter = machine.interrupter
        // A queue of its own has a thread of its own, however busy the others are.
        DispatchQueue(label: "interrupter").asyncAfter(deadline: .now() + 0.1) { interrupter.interrupt() }
        let error = try failure(of: "while true do pcall(function() while true do end end) end", in: machine)
        #expect(error.kind == .interrupted)
        #expect(try failure(of: "return 1", in: machine).kind == .interrupted)
        interrupter.reset()
        #expect(try machine.run("return 1") == .integer(1))
    }

    /// In work of C that no hook reaches, each of which would take minutes.
    @Test(arguments: [
        "return (('a'):rep(60000)):find('.-.-.-.-b')",
        "while true do local text = ('a'):rep(60000) pcall(string.find, text, '.-b') end",
        "local t = {} for i = 1, 100000 do t[i] = i * 7919 % 100003 end while true do table.sort(t) end",
        "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1000) end while true do table.concat(t) end",
        "while true do pcall(string.rep, 'x', 1000000) end",
    ])
    func interruptWhereNoHookReaches(_ text: String) throws {
        var limits = LuaLimits()
        let interrupter = try LuaInterrupter()
        limits.instructionsPerCall = .max
        limits.instructionsInTotal = .max
        limits.patternSteps = .max
        limits.interrupter = interrupter
        let machine = try LuaVM(limits: limits)
        let clock = ContinuousClock()
        let start = clock.now
        // A queue of its own has a thread of its own, however busy the others are.
        DispatchQueue(label: "interrupter").asyncAfter(deadline: .now() + 0.1) { interrupter.interrupt() }
        let error = try failure(of: text, in: machine)
        #expect(error.kind == .interrupted)
        #expect(interrupter.isInterrupted)
        #expect(clock.now - start < .seconds(5))
    }

    @Test func oneInterrupterStopsAllMachines() throws {
        var limits = LuaLimits()
        limits.interrupter = try LuaInterrupter()
        let machines = [try LuaVM(limits: limits), try LuaVM(limits: limits)]
        limits.interrupter?.interrupt()
        for machine in machines { #expect(try failure(of: "return 1", in: machine).kind == .interrupted) }
        limits.interrupter?.reset()
        for machine in machines { #expect(try machine.run("return 1") == .integer(1)) }
    }

    @Test func swiftAndLuaCallEachOtherForEver() throws {
        let machine = try LuaVM()
        let frames = Frames()
        try machine.define("again") { arguments in
            let witness = Frames.Witness(frames)
            defer { witness.frames.deferred += 1 }
            return try arguments.machine.call(try arguments.function(0))
        }
        let error = try failure(of: "local function f() return again(f) end return f()", in: machine)
        #expect(error.message.contains("call each other too deeply"))
        #expect((error.rootCause as? LuaError)?.kind == nil)
        #expect(frames.entered == 16)
        #expect(frames.deferred == 16)
        #expect(frames.ended == 16)
    }

    @Test func memoryLimitTooLowForAMachine() {
        var limits = LuaLimits()
        for bytes in [0, 100, 1000, 4000, 10_000] {
            limits.memoryBytes = bytes
            #expect(throws: LuaError.self) { try LuaVM(limits: limits) }
        }
    }

    @Test func everyMemoryLimitEndsCleanly() throws {
        // The allocation that fails is another one each time.
        var limits = LuaLimits()
        for bytes in stride(from: 18_000, to: 60_000, by: 61) {
            limits.memoryBytes = bytes
            guard let machine = try? LuaVM(limits: limits) else { continue }
            do {
                try machine.define("treelog.call") { arguments in
                    _ = try arguments.value(1)
                    return try arguments.machine.call(try arguments.function(0), .bytes([116, 101].rawSpan))
                }
                try machine.run("""
                    local function f(s) return {s = s, list = {1, 2, {3}}, f = pairs} end
                    local t = treelog.call(f, {a = {b = {'c'}}})
                    for k in pairs(t) do t[#t + 1] = ('%s %s'):format(k, t) end
                    table.sort(t) return {t, (table.concat(t, ','):gsub('t', {t = 'x'}))}
                    """)
            } catch {
                #expect(error.kind == .memory, "\(error)")
            }
        }
    }
}
