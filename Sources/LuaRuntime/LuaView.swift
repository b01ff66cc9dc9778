/// What a field of a view stands for. All but `computed` are read without a call of Swift.
public enum LuaField: Sendable, Equatable {
    /// A little-endian integer of 1 to 8 bytes.
    case unsigned(at: Int, width: Int)
    /// The same, with a sign.
    case signed(at: Int, width: Int)
    /// One of the four integers bound together with the bytes.
    case header(Int)
    /// How many bytes there are.
    case byteCount
    /// A string of some of the bytes.
    case bytes(at: Int, count: Int)
    /// A string of all bytes from a place on.
    case tail(at: Int)
    /// What the class's getter gives for this number, which is not negative.
    case computed(Int)
}

/// A kind of view: what scripts find under which name.
public final class LuaViewClass {
    /// As error messages call the view: `item`.
    public let name: String
    let id: Int32
    @usableFromInline let owner: UInt

    init(_ name: String, _ id: Int32, _ host: Host) {
        self.name = name
        self.id = id
        self.owner = host.owner
    }
}

/// A place through which scripts look at bytes of Swift, as `item.size` or `item:u64(8)`.
///
/// A machine has few of them, made once and bound anew for each call: `LuaArgument.view`. When the call has
/// returned, what the script kept of it is an error to look at ("item view used after its callback
/// returned"), until the view is bound again: then it shows what the view shows. A call within a call may
/// bind a view once more; when it returned, the view is what it was.
public final class LuaView: Equatable {
    /// What scripts find in the view.
    public let viewClass: LuaViewClass
    @usableFromInline let id: Int32
    @usableFromInline let owner: UInt

    init(_ viewClass: LuaViewClass, _ id: Int32) {
        self.viewClass = viewClass
        self.id = id
        self.owner = viewClass.owner
    }

    public static func == (left: LuaView, right: LuaView) -> Bool { left === right }
}

/// What a view that a script passed is bound to.
public struct LuaViewContents: ~Escapable {
    /// The bytes that the view shows; none where it is not bound.
    public let bytes: RawSpan
    /// The integers bound together with the bytes: see `LuaField.header`.
    public let integers: [4 of Int64]
    let isBound: Bool

    @_lifetime(copy bytes)
    init(isBound: Bool, _ bytes: RawSpan, _ integers: [4 of Int64]) {
        self.isBound = isBound
        self.bytes = bytes
        self.integers = integers
    }
}
