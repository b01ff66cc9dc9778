internal import CLuaHost

/// A function of a script that is called for each of many items: with a view, and with a second argument that stays
/// the same. A call puts nothing together and needs no memory.
public final class LuaCallback {
    /// The argument after the item.
    public enum Second {
        /// A value of the machine.
        case reference(LuaReference)
        /// A view of something that has no bytes.
        case view(LuaView)
    }

    let id: Int32
    let owner: UInt
    let words: LuaWords
    // Kept for the machine, which knows them by their numbers.
    private let function: LuaReference
    private let second: Second

    init(_ id: Int32, _ function: LuaReference, _ second: Second, _ words: LuaWords) {
        self.id = id
        self.function = function
        self.second = second
        self.words = words
        owner = function.owner
    }
}

/// What a callback answered.
@frozen
public enum LuaAnswer: Sendable, Equatable {
    /// It answered nil, or nothing.
    case nothing
    /// The place in its words.
    case word(Int)
    /// Something else, or a word and more: `LuaVM.answer` has it until the next call.
    case other
}

/// A view as a number, for tables of them.
@frozen
public struct LuaViewNumber: Sendable, Equatable {
    @usableFromInline let id: Int32
    @usableFromInline let owner: UInt

    /// The number of `view`. It means nothing to another machine.
    public init(_ view: LuaView) {
        id = view.id
        owner = view.owner
    }
}

extension LuaVM {
    /// Puts a callback together. It takes a little of the machine's memory, as long as the machine is.
    public func makeCallback(
        _ function: LuaReference, second: LuaCallback.Second, words: LuaWords
    ) throws(LuaError) -> LuaCallback {
        host.check(function.owner)
        host.check(words.owner)
        return LuaCallback(try host.makeCallback(function, second, words), function, second, words)
    }

    /// Calls a callback with a view over bytes and with four integers.
    @inline(__always)
    public func ask(
        _ callback: LuaCallback, _ view: LuaViewNumber, over bytes: RawSpan, integers: [4 of Int64]
    ) throws(LuaError) -> LuaAnswer {
        host.check(callback.owner)
        host.check(view.owner)
        if host.hasErrors, host.depth == 0 { host.forgetErrors() }
        let answer = try host.ask(callback.id, view.id, over: bytes, integers)
        if answer.word >= 0 { return .word(Int(answer.word)) }
        if answer.word == LH_ANSWER_NOTHING { return .nothing }
        self.answer = try host.choice(answer.outcome, callback.words.id)
        return .other
    }
}
