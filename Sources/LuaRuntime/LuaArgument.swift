/// An argument of a call from Swift to Lua, made without memory of Swift's.
///
/// It may hold a span: a view over bytes, or a string made from bytes without a copy in between. The bytes
/// stay where they are until the call has returned, because the argument cannot outlive them.
@frozen
public struct LuaArgument: ~Escapable {
    @usableFromInline
    enum Content: UInt8 { case absent, `nil`, boolean, integer, number, reference, bytes, view }

    @usableFromInline let content: Content
    /// An integer, the bits of a number, a reference or a view.
    @usableFromInline let bits: Int64
    @usableFromInline let integers: [4 of Int64]
    @usableFromInline let bytes: RawSpan
    /// The machine of a reference or a view.
    @usableFromInline let owner: UInt

    @inlinable @inline(always)
    @_lifetime(copy bytes)
    init(
        _ content: Content, _ bits: Int64, _ bytes: RawSpan, _ integers: [4 of Int64] = [0, 0, 0, 0],
        owner: UInt = 0
    ) {
        self.content = content
        self.bits = bits
        self.integers = integers
        self.bytes = bytes
        self.owner = owner
    }

    /// No argument.
    @inlinable @inline(always)
    public static var absent: LuaArgument {
        @_lifetime(immortal) get { LuaArgument(.absent, 0, RawSpan()) }
    }

    /// An argument that is nil.
    @inlinable @inline(always)
    public static var `nil`: LuaArgument {
        @_lifetime(immortal) get { LuaArgument(.nil, 0, RawSpan()) }
    }

    /// A boolean.
    @inlinable @inline(always)
    @_lifetime(immortal)
    public static func boolean(_ value: Bool) -> LuaArgument {
        LuaArgument(.boolean, value ? 1 : 0, RawSpan())
    }

    /// An integer.
    @inlinable @inline(always)
    @_lifetime(immortal)
    public static func integer(_ value: Int64) -> LuaArgument { LuaArgument(.integer, value, RawSpan()) }

    /// The Lua integer of the same bits: numbers above 2^63-1 are negative there.
    @inlinable @inline(always)
    @_lifetime(immortal)
    public static func unsigned(_ value: UInt64) -> LuaArgument {
        LuaArgument(.integer, Int64(bitPattern: value), RawSpan())
    }

    /// A number that need not be whole.
    @inlinable @inline(always)
    @_lifetime(immortal)
    public static func number(_ value: Double) -> LuaArgument {
        LuaArgument(.number, Int64(bitPattern: value.bitPattern), RawSpan())
    }

    /// A string of these bytes.
    @inlinable @inline(always)
    @_lifetime(copy bytes)
    public static func bytes(_ bytes: RawSpan) -> LuaArgument { LuaArgument(.bytes, 0, bytes) }

    /// A view, over bytes and with four integers, until the call returns.
    @inlinable @inline(always)
    @_lifetime(copy bytes)
    public static func view(
        _ view: LuaView, over bytes: RawSpan, integers: [4 of Int64] = [0, 0, 0, 0]
    ) -> LuaArgument {
        LuaArgument(.view, Int64(view.id), bytes, integers, owner: view.owner)
    }

    /// A view of something that has no bytes.
    @inlinable @inline(always)
    @_lifetime(immortal)
    public static func view(_ view: LuaView) -> LuaArgument {
        LuaArgument(.view, Int64(view.id), RawSpan(), owner: view.owner)
    }
}
