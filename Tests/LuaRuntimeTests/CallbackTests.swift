import LuaRuntime
import Testing

/// Callbacks that were put together once: the same answers, errors and views as other calls, call by call.
@Suite struct CallbackTests {
    let machine: LuaVM
    let item: LuaView
    let context: LuaView
    let words: LuaWords
    let bytes: [UInt8] = [7, 8, 9]

    init() throws {
        machine = try LuaVM()
        let itemClass = try machine.makeViewClass(
            "item", fields: ["first": .unsigned(at: 0, width: 1), "offset": .header(2), "size": .byteCount])
        let contextClass = try machine.makeViewClass(
            "context", methods: ["name": { _ in .text("context") }], readers: .excluded)
        item = try machine.makeView(itemClass)
        context = try machine.makeView(contextClass)
        words = try machine.makeWords(["yes", "no", "a word that is longer than those that Lua keeps once, as one object"])
    }

    private func callback(_ body: String) throws -> LuaCallback {
        let function = try machine.function("local kept = {} return function(item, context) \(body) end")
        return try machine.makeCallback(function, second: .view(context), words: words)
    }

    private func ask(_ callback: LuaCallback, _ offset: Int64 = 0) throws(LuaError) -> LuaAnswer {
        try machine.ask(callback, LuaViewNumber(item), over: bytes.rawSpan, integers: [1, 2, offset, 4])
    }

    @Test func answers() throws {
        let body = """
            if item.offset == 0 then return "yes" end
            if item.offset == 1 then return "no" end
            if item.offset == 2 then return end
            if item.offset == 3 then return nil end
            if item.offset == 4 then return ("a word that is longer than those that Lua keeps once, as %s"):format "one object" end
            if item.offset == 5 then return "yes", item.first + item.size end
            if item.offset == 6 then return "maybe" end
            return context:name()
            """
        let callback = try callback(body)
        for _ in 0..<3 {
            #expect(try ask(callback, 0) == .word(0))
            #expect(try ask(callback, 1) == .word(1))
            #expect(try ask(callback, 2) == .nothing)
            #expect(try ask(callback, 3) == .nothing)
            #expect(try ask(callback, 4) == .word(2))
            #expect(try ask(callback, 5) == .other)
            #expect(machine.answer.word == 0)
            #expect(machine.answer.rest == [.integer(10)])
            #expect(try ask(callback, 6) == .other)
            #expect(machine.answer.other == .text("maybe"))
            #expect(try ask(callback, 7) == .other)
            #expect(machine.answer.other == .text("context"))
        }
    }

    @Test func theSecondArgumentMayBeATable() throws {
        let state = try #require(try machine.run("return { count = 0 }").table?.reference)
        let function = try machine.function("return function(_, state) state.count = state.count + 1 return state.count end")
        let callback = try machine.makeCallback(function, second: .reference(state), words: words)
        for count in 1...3 {
            #expect(try ask(callback) == .other)
            #expect(machine.answer.other == .integer(Int64(count)))
        }
    }

    @Test func errorsLeaveTheMachineAsItWas() throws {
        struct Refusal: Error {}
        try machine.define("refuse") { _ in throw Refusal() }
        let callback = try callback(
            """
            if item.offset == 1 then error "wrong" end
            if item.offset == 2 then refuse() end
            if item.offset == 3 then while true do end end
            return "yes"
            """)
        for _ in 0..<50 {
            let wrong = try #require(throws: LuaError.self) { try ask(callback, 1) }
            #expect(wrong.message == "test.lua:1: wrong")
            let refused = try #require(throws: LuaError.self) { try ask(callback, 2) }
            #expect(refused.underlying is Refusal)
            #expect(try ask(callback) == .word(0))
        }
        let endless = try #require(throws: LuaError.self) { try ask(callback, 3) }
        #expect(endless.kind == .instructions)
        #expect(try ask(callback) == .word(0))
    }

    @Test func viewsEndWithTheCall() throws {
        let callback = try callback("kept.item, kept.context = kept.item or item, kept.context or context return 'yes'")
        #expect(try ask(callback) == .word(0))
        let keeper = try machine.function(
            "local kept kept = nil return function(item, context) kept = kept or { item, context } return kept end")
        let again = try machine.makeCallback(keeper, second: .view(context), words: words)
        #expect(try ask(again) == .other)
        for read in ["kept[1].first", "kept[2]:name()"] {
            let function = try machine.function("return function(kept) return \(read) end")
            let reference = try #require(machine.answer.other?.table?.reference)
            let error = try #require(throws: LuaError.self) { try machine.call(function, .reference(reference)) }
            #expect(error.message.contains("item view used after its callback returned"))
        }
    }

    @Test func aCallWithinACallGivesTheViewsBack() throws {
        var inner: LuaCallback?
        let (item, bytes) = (LuaViewNumber(item), bytes)
        try machine.define("within") { arguments in
            let inside = try #require(inner)
            let answer = try arguments.machine.ask(inside, item, over: [1].rawSpan, integers: [0, 0, 100, 0])
            return .boolean(answer == .word(1))
        }
        inner = try callback("if item.offset == 100 and item.first == 1 then return 'no' end")
        let outer = try callback(
            "local before = item.first if within() and item.first == before and context:name() then return 'yes' end")
        #expect(try ask(outer, 5) == .word(0))
        #expect(bytes == [7, 8, 9])
    }

    @Test func aCallTakesNoMemory() throws {
        let callback = try callback("if item.size == 0 then return 'no' end return 'yes'")
        _ = try ask(callback)
        let before = machine.memoryInUse
        for offset in 0..<1000 { #expect(try ask(callback, Int64(offset)) == .word(0)) }
        #expect(machine.memoryInUse == before)
    }
}
