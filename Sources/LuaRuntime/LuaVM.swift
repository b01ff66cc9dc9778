/// A sandboxed Lua 5.4 machine.
///
/// Scripts have base, `table`, `string`, `math` and `utf8`, less `load`, `loadfile`, `dofile`,
/// `collectgarbage`, `print`, `warn`, `string.dump`, coroutines, finalizers and weak tables. They cannot set
/// globals nor change a table of the host, see no address, no clock and no randomness, and iterate tables in
/// an order that is the same in every run. What they use up is limited by `LuaLimits`.
///
/// A machine belongs to one thread at a time. A Swift error that a Swift function throws becomes a Lua error
/// after all Swift frames are gone, and what reaches Swift again carries it as `LuaError.underlying`.
public final class LuaVM {
    /// A Swift function for scripts.
    public typealias Function = (LuaArguments) throws -> LuaValue

    /// The text of a module that a script requires.
    public struct Module {
        /// Of the file, for messages.
        public let name: String
        /// The text, as UTF-8.
        public let source: [UInt8]

        /// A module from its text.
        public init(name: String, source: [UInt8]) {
            self.name = name
            self.source = source
        }
    }

    let host: Host

    /// What the callback that was asked last answered, where that was `LuaAnswer.other`.
    public internal(set) var answer = LuaChoice(word: nil, other: nil, rest: [])

    /// Stops the machine from another thread.
    public var interrupter: LuaInterrupter { host.interrupter }

    /// Gives the text of a module, for `require`; nil when there is none. Names have only a-z, 0-9, `_` and
    /// dots between other letters, so that they cannot lead out of a folder. It is asked once for each name.
    public var resolver: ((_ name: String) throws -> Module?)?

    /// - Parameter randomSeed: with one there is `math.random`, the same in each run; without there is none.
    /// - Throws: `LuaError` of kind `memory` when the limit does not suffice for the libraries (17 KiB).
    public init(limits: LuaLimits = LuaLimits(), randomSeed: UInt64? = nil) throws(LuaError) {
        host = try Host(limits, randomSeed)
        host.attach(self)
    }

    // MARK: What scripts find

    /// Gives scripts a function under a global name or a path such as `treelog.u64_string`. The tables on the
    /// way are made; scripts cannot change them, and to read a name that is not in them is an error.
    public func define(_ path: String, _ body: @escaping Function) throws(LuaError) {
        try host.define(path, .init(name: path, body: .one(body)))
    }

    /// As `define(_:_:)`, for a function of several results.
    public func defineMany(
        _ path: String, _ body: @escaping (LuaArguments) throws -> [LuaValue]
    ) throws(LuaError) {
        try host.define(path, .init(name: path, body: .many(body)))
    }

    /// Gives scripts a value. They can change what is in a table given this way.
    public func define(_ path: String, value: LuaValue) throws(LuaError) {
        try host.define(path, value)
    }

    // MARK: Running

    /// Compiles text to a function without arguments. Bytecode is refused.
    ///
    /// - Parameter name: of the file, for messages. With `=` in front it is code of the embedder: what goes
    ///   wrong in a function that it calls has the place of the script above it.
    /// - Throws: `LuaError` of kind `syntax`.
    public func load(_ source: [UInt8], name: String) throws(LuaError) -> LuaReference {
        try host.load(source, name: name)
    }

    /// Calls a function and gives its first result. Tables are read whole.
    public func call(
        _ function: LuaReference, _ a: borrowing LuaArgument = .absent, _ b: borrowing LuaArgument = .absent,
        _ c: borrowing LuaArgument = .absent, _ d: borrowing LuaArgument = .absent
    ) throws(LuaError) -> LuaValue {
        host.check(function.owner)
        host.push(a, b, c, d)
        return try host.call(function.id)
    }

    /// Calls a function and gives all its results.
    public func callMany(
        _ function: LuaReference, _ arguments: [LuaValue] = []
    ) throws(LuaError) -> [LuaValue] {
        host.check(function.owner)
        host.push(arguments)
        return try host.callMany(function.id)
    }

    /// Calls a function that answers with a word: without a copy of the string, and with no memory at all as
    /// long as there is one result.
    public func choose(
        from words: LuaWords, _ function: LuaReference, _ a: borrowing LuaArgument = .absent,
        _ b: borrowing LuaArgument = .absent, _ c: borrowing LuaArgument = .absent,
        _ d: borrowing LuaArgument = .absent
    ) throws(LuaError) -> LuaChoice {
        host.check(function.owner)
        host.check(words.owner)
        host.push(a, b, c, d)
        return try host.choose(function.id, words.id)
    }

    /// A set of words for `choose`.
    public func makeWords(_ words: [String]) throws(LuaError) -> LuaWords {
        LuaWords(words, try host.makeWords(words), host)
    }

    // MARK: Views

    /// A kind of view.
    ///
    /// - Parameters:
    ///   - readers: with them a view also has `u8`, `u16`, `u32`, `u64`, `i8`… (with an offset) and `bytes`
    ///     (with an offset and a count, or all), unless `fields` and `methods` have the name.
    ///   - getter: called for `.computed` fields with the number, and for all other names with nil. Argument
    ///     0 is the view, argument 1 the name. Without a getter other names are errors.
    public func makeViewClass(
        _ name: String, fields: [String: LuaField] = [:], methods: [String: Function] = [:],
        readers: LuaReaders = .included, getter: ((LuaArguments, Int?) throws -> LuaValue)? = nil
    ) throws(LuaError) -> LuaViewClass {
        let viewClass = LuaViewClass(name, try host.makeClass(name, getter: getter), host)
        if readers == .included { try host.addReaders(to: viewClass) }
        for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
            try host.add(field, name, to: viewClass)
        }
        for (name, body) in methods.sorted(by: { $0.key < $1.key }) {
            try host.add(body, name, to: viewClass)
        }
        return viewClass
    }

    /// A view, usable for as long as the machine is.
    public func makeView(_ viewClass: LuaViewClass) throws(LuaError) -> LuaView {
        host.check(viewClass.owner)
        return try host.makeView(viewClass)
    }

    // MARK: Use

    /// Counts bytes that the script had written, before they are. To be called by functions that write.
    ///
    /// - Throws: `LuaError` of kind `output`; the script is stopped also where a function catches it.
    public func countOutput(_ byteCount: Int) throws(LuaError) { try host.countOutput(byteCount) }

    /// That the script holds now, in bytes.
    public var memoryInUse: Int { host.memoryInUse }
    /// The most that the script ever held, in bytes.
    public var memoryPeak: Int { host.memoryPeak }
    /// What is left of `instructionsInTotal`.
    public var instructionsLeft: Int64 { host.instructionsLeft }
}

/// Whether views of a class have methods to read integers at any offset.
public enum LuaReaders: Sendable { case included, excluded }
