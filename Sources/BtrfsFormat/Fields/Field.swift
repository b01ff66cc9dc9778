/// A value that has one form on disk: a fixed number of bytes at an offset that a `Field` knows.
public protocol FieldValue: Equatable, Sendable {
    /// The size on disk in bytes.
    static var fieldByteCount: Int { get }
    /// How the value is shown unless its layout says otherwise.
    static var fieldFormat: FieldFormat { get }
    /// Reads the value; throws where it does not lie within `bytes`.
    init(_ bytes: RawSpan, at position: Int) throws(FormatError)
    /// Stores the value; the place must lie within `target`.
    func store(in target: inout MutableRawSpan, at position: Int)
}

/// An integer with a meaning of its own that may hold any number, also one that this program does not know.
public protocol OpenFieldValue: FieldValue, RawRepresentable where RawValue: FieldValue {
    /// Any number is a value.
    init(rawValue: RawValue)
}

/// Where a field lies in a structure, what type it has and how it is called: the one place that says so, from
/// which reading, writing and describing follow.
///
/// Declared as computed static members, so that a use compiles to the constant offset.
@frozen
public struct Field<Value: FieldValue>: Sendable {
    /// The field's name in the kernel's structure.
    public let name: String
    /// Counted in bytes from the start of the structure.
    public let offset: Int

    /// A field at `offset` bytes from the start of the structure.
    @inline(always) @inlinable
    public init(_ name: String, at offset: Int) {
        self.name = name
        self.offset = offset
    }

    /// The offset of the byte that follows the field.
    @inlinable public var end: Int { offset + Value.fieldByteCount }

    /// The field's value in a structure that starts at `base`.
    ///
    /// - Throws: `FormatError.outOfBounds` when the field does not lie within `bytes`.
    @inline(always) @inlinable
    public func read(_ bytes: RawSpan, at base: Int = 0) throws(FormatError) -> Value {
        try Value(bytes, at: base &+ offset)
    }

    /// Stores `value` in a structure that starts at `base`, which must lie within `target`.
    @inline(always) @inlinable
    public func write(_ value: Value, to target: inout MutableRawSpan, at base: Int = 0) {
        value.store(in: &target, at: base + offset)
    }
}

extension FieldValue where Self: FixedWidthInteger & BitwiseCopyable {
    @inlinable public static var fieldByteCount: Int { MemoryLayout<Self>.size }
    public static var fieldFormat: FieldFormat { isSigned ? .signed : .unsigned }

    @inline(always) @inlinable
    public init(_ bytes: RawSpan, at position: Int) throws(FormatError) {
        self = try bytes.load(Self.self, at: position)
    }

    @inline(always) @inlinable
    public func store(in target: inout MutableRawSpan, at position: Int) {
        target.store(self, at: position)
    }
}

extension UInt8: FieldValue {}
extension UInt16: FieldValue {}
extension UInt32: FieldValue {}
extension UInt64: FieldValue {}
extension Int64: FieldValue {}

extension OpenFieldValue {
    @inlinable public static var fieldByteCount: Int { RawValue.fieldByteCount }
    public static var fieldFormat: FieldFormat { RawValue.fieldFormat }

    @inline(always) @inlinable
    public init(_ bytes: RawSpan, at position: Int) throws(FormatError) {
        self.init(rawValue: try RawValue(bytes, at: position))
    }

    @inline(always) @inlinable
    public func store(in target: inout MutableRawSpan, at position: Int) {
        rawValue.store(in: &target, at: position)
    }
}

extension ObjectID: OpenFieldValue {
    public static var fieldFormat: FieldFormat { .objectID }
}

extension LogicalAddress: OpenFieldValue {}

extension Key: FieldValue {
    @inlinable public static var fieldByteCount: Int { byteCount }
    public static var fieldFormat: FieldFormat { .key }
}

extension UUID: FieldValue {
    @inlinable public static var fieldByteCount: Int { 16 }
    public static var fieldFormat: FieldFormat { .uuid }

    @inline(always) @inlinable
    public init(_ bytes: RawSpan, at position: Int) throws(FormatError) {
        self = try bytes.uuid(at: position)
    }

    @inlinable
    public func store(in target: inout MutableRawSpan, at position: Int) {
        target.store(low, at: position)
        target.store(high, at: position + 8)
    }
}

/// A field that is so many bytes without a type.
@frozen
public struct BytesField: Sendable {
    /// The field's name in the kernel's structure.
    public let name: String
    /// Counted in bytes from the start of the structure.
    public let offset: Int
    /// How many bytes it has.
    public let byteCount: Int

    /// `byteCount` bytes from `offset` on.
    @inlinable
    public init(_ name: String, at offset: Int, byteCount: Int) {
        self.name = name
        self.offset = offset
        self.byteCount = byteCount
    }

    /// The offset of the byte that follows the field.
    @inlinable public var end: Int { offset + byteCount }
    /// Where the bytes are.
    @inlinable public var range: Range<Int> { offset..<end }
}
