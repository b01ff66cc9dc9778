internal import CLuaHost

// Calls in both directions. Nothing here can fail but by throwing, and no Lua error passes through.

/// A Swift function that Lua knows by its number.
struct Entry {
    enum Body {
        case one(LuaVM.Function)
        case many((LuaArguments) throws -> [LuaValue])
        case getter((LuaArguments, Int?) throws -> LuaValue)
    }
    let name: String
    let body: Body
}

extension Host {
    // MARK: Calls to Lua

    func call(_ function: Int32) throws(LuaError) -> LuaValue {
        let outcome = try invoke(function)
        defer { finish(outcome) }
        return outcome.count == 0 ? .nil : try value(at: outcome.first)
    }

    func callMany(_ function: Int32) throws(LuaError) -> [LuaValue] {
        let outcome = try invoke(function)
        defer { finish(outcome) }
        return try values(of: outcome, from: 0)
    }

    func choose(_ function: Int32, _ words: Int32) throws(LuaError) -> LuaChoice {
        try choice(try invoke(function), words)
    }

    /// What the results of a call say, which is finished with it.
    func choice(_ outcome: lh_outcome, _ words: Int32) throws(LuaError) -> LuaChoice {
        defer { finish(outcome) }
        guard outcome.count > 0 else { return LuaChoice(word: nil, other: nil, rest: []) }
        let word = word(at: outcome.first, in: words)
        return LuaChoice(
            word: word < 0 ? nil : Int(word),
            other: word < 0 ? try value(at: outcome.first) : nil,
            rest: outcome.count > 1 ? try values(of: outcome, from: 1) : [])
    }

    private func values(of outcome: lh_outcome, from start: Int32) throws(LuaError) -> [LuaValue] {
        var values: [LuaValue] = []
        for place in start..<outcome.count { values.append(try value(at: outcome.first + place)) }
        return values
    }

    // MARK: Calls from Lua

    func run(_ function: Int32, _ count: Int32) -> Int32 {
        depth += 1
        defer { depth -= 1 }
        do {
            return function == LH_REQUIRE ? try resolve() : try run(Int(function), Int(count))
        } catch {
            errors[fail((error as? LuaError)?.message ?? "\(error)")] = error
            hasErrors = true
            return -1
        }
    }

    @inline(__always)
    private func run(_ function: Int, _ count: Int) throws -> Int32 {
        let arguments = LuaArguments(self, function, count: count)
        let value: LuaValue
        switch entry(function).body {
        case .one(let body): value = try body(arguments)
        case .getter(let body): value = try body(arguments, integer(at: 3).map { Int($0) })
        case .many(let body):
            returned = try body(arguments)
            push(returned)
            return Int32(returned.count)
        }
        if case .nil = value { return LH_ONE_NIL }
        clear()
        switch value {
        case .function, .table: returned = [value]
        default: break
        }
        push(value)
        return 1
    }

    private func resolve() throws -> Int32 {
        let name = try LuaArguments(self, nil, count: 1).text(0)
        guard let module = try machine.resolver?(name) else { return 0 }
        push([.string(module.source), .text("@" + module.name)])
        return 2
    }

    /// Before values are pushed.
    @inline(__always)
    func begin() {
        clear()
        if hasErrors, depth == 0 { forgetErrors() }
    }

    func forgetErrors() {
        for place in errors.indices { errors[place] = nil }
        hasErrors = false
    }

    // MARK: Kinds

    func isNil(at index: Int32) -> Bool { kind(at: index) == LH_NIL }
    func isString(at index: Int32) -> Bool { kind(at: index) == LH_STRING }
    func isView(at index: Int32) -> Bool { kind(at: index) == LH_VIEW }
    func isFunction(at index: Int32) -> Bool { kind(at: index) == LH_FUNCTION }

    func typeName(at index: Int32) -> String {
        switch kind(at: index) {
        case LH_NIL: "nil"
        case LH_BOOLEAN: "boolean"
        case LH_INTEGER: "integer"
        case LH_NUMBER: "number"
        case LH_STRING: "string"
        case LH_FUNCTION: "function"
        case LH_TABLE: "table"
        default: "item"
        }
    }
}
