/// The arguments that a script passed to a Swift function. They are read in place; places count from 0.
///
/// - Note: For a method of a view and for a getter the view is argument 0.
public struct LuaArguments: ~Escapable {
    /// How many arguments there are; nil at the end counts too.
    public let count: Int
    let host: Host
    /// The number of the function; nil for `require`.
    private let function: Int?

    @_lifetime(immortal)
    init(_ host: Host, _ function: Int?, count: Int) {
        self.host = host
        self.function = function
        self.count = count
    }

    /// Of the function, for messages.
    public var name: String { function.map { host.entry($0).name } ?? "require" }

    /// The machine that calls. It may be called in turn.
    public var machine: LuaVM { host.machine }

    /// Any argument; nil where there is none. A table is read whole.
    ///
    /// - Throws: `LuaError` when a table is too deep or too large to be read.
    public func value(_ place: Int) throws(LuaError) -> LuaValue {
        guard place >= 0, place < count else { return .nil }
        return try host.value(at: Int32(place + 1))
    }

    /// Whether the argument is missing or nil.
    public func isNil(_ place: Int) -> Bool {
        place < 0 || place >= count || host.isNil(at: Int32(place + 1))
    }

    /// Whether the argument is a view, whether or not it is bound.
    public func isView(_ place: Int) -> Bool {
        place >= 0 && place < count && host.isView(at: Int32(place + 1))
    }

    /// - Throws: `LuaArgumentError` when the argument is no integer.
    public func integer(_ place: Int) throws(LuaArgumentError) -> Int64 {
        guard place < count, let value = host.integer(at: Int32(place + 1)) else {
            throw mismatch(place, "integer")
        }
        return value
    }

    /// An unsigned number, by its bits.
    ///
    /// - Throws: `LuaArgumentError` when the argument is no integer.
    public func unsigned(_ place: Int) throws(LuaArgumentError) -> UInt64 {
        UInt64(bitPattern: try integer(place))
    }

    /// - Throws: `LuaArgumentError` when the argument is no boolean.
    public func boolean(_ place: Int) throws(LuaArgumentError) -> Bool {
        guard place < count, let value = host.boolean(at: Int32(place + 1)) else {
            throw mismatch(place, "boolean")
        }
        return value
    }

    /// The bytes of a string, in place.
    ///
    /// - Throws: `LuaArgumentError` when the argument is no string.
    @_lifetime(copy self)
    public func bytes(_ place: Int) throws(LuaArgumentError) -> RawSpan {
        guard place < count, host.isString(at: Int32(place + 1)) else { throw mismatch(place, "string") }
        return host.bytes(at: Int32(place + 1), of: self)
    }

    /// - Throws: `LuaArgumentError` when the argument is no string.
    public func text(_ place: Int) throws(LuaArgumentError) -> String {
        let bytes = try bytes(place)
        return String(decoding: host.copy(bytes), as: UTF8.self)
    }

    /// What Lua's `tostring` gives, for people.
    ///
    /// - Throws: `LuaError` of a `__tostring` of the script.
    public func display(_ place: Int) throws(LuaError) -> String {
        guard place < count else { return "nil" }
        return try host.display(at: Int32(place + 1))
    }

    /// - Throws: `LuaArgumentError` when the argument is no function.
    public func function(_ place: Int) throws -> LuaReference {
        guard place < count, host.isFunction(at: Int32(place + 1)) else { throw mismatch(place, "function") }
        return try host.reference(at: Int32(place + 1))
    }

    /// A table, read whole.
    ///
    /// - Throws: `LuaArgumentError` when the argument is no table; `LuaError` when it is too deep or large.
    public func table(_ place: Int) throws -> LuaTable {
        guard case .table(let table) = try value(place) else { throw mismatch(place, "table") }
        return table
    }

    /// A view that is bound now.
    ///
    /// - Throws: `LuaArgumentError` when the argument is no view, or was bound for a call that returned.
    public func view(_ place: Int) throws(LuaArgumentError) -> LuaView {
        guard place < count, let view = host.view(at: Int32(place + 1)) else { throw mismatch(place, "item") }
        guard host.isBound(view) else { throw expired(place) }
        return view
    }

    /// All that a view given as argument is bound to.
    ///
    /// - Throws: as `view(_:)`.
    @_lifetime(copy self)
    public func viewContents(_ place: Int) throws(LuaArgumentError) -> LuaViewContents {
        guard place < count, let contents = host.contents(at: Int32(place + 1), of: self) else {
            throw mismatch(place, "item")
        }
        guard contents.isBound else { throw expired(place) }
        return contents
    }

    /// The bytes that a view given as argument is bound to.
    ///
    /// - Throws: as `view(_:)`.
    @_lifetime(copy self)
    public func viewBytes(_ place: Int) throws(LuaArgumentError) -> RawSpan {
        host.bytes(of: try view(place), for: self)
    }

    /// One of the four integers of a view given as argument.
    ///
    /// - Throws: as `view(_:)`.
    public func viewInteger(_ place: Int, _ integer: Int) throws(LuaArgumentError) -> Int64 {
        host.integer(integer, of: try view(place))
    }

    /// Where the script called this function, as `plugin.lua:12`; "" where that is not known.
    ///
    /// - Parameter level: 1 for the caller, 2 for the caller of that.
    public func callPlace(level: Int = 1) -> String {
        let text = host.place(level)
        return text.hasSuffix(": ") ? String(text.dropLast(2)) : text
    }

    private func expired(_ place: Int) -> LuaArgumentError {
        LuaArgumentError(argument: place, of: name, "item view used after its callback returned")
    }

    private func mismatch(_ place: Int, _ expected: String) -> LuaArgumentError {
        let found = place >= 0 && place < count ? host.typeName(at: Int32(place + 1)) : "no value"
        return LuaArgumentError(argument: place, of: name, "\(expected) expected, got \(found)")
    }
}
