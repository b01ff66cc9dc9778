public import BtrfsFormat

/// The fields of a plugin's item, packed and little-endian in this order.
///
/// From this one table come decoding, encoding, size checks, dumps and random items for tests.
public struct FieldList: Equatable, Sendable {
    /// The fields, in their order.
    public let fields: [Field]
    /// The least that an item has.
    public let minimumByteCount: Int
    /// Whether all items have `minimumByteCount` bytes.
    public let isFixed: Bool
    /// Where each field starts; nil behind the first of variable size.
    public let fixedOffsets: [Int?]

    /// The fields of an item, in their order.
    public init(_ fields: [Field]) {
        self.fields = fields
        var offsets: [Int?] = []
        var next: Int? = 0
        for field in fields {
            offsets.append(next)
            next = field.kind.isFixed ? next.map { $0 + field.kind.minimumByteCount } : nil
        }
        fixedOffsets = offsets
        isFixed = next != nil
        minimumByteCount = fields.reduce(0) { $0 + $1.kind.minimumByteCount }
    }

    public static func == (a: FieldList, b: FieldList) -> Bool { a.fields == b.fields }

    /// The place of the field with this name.
    public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }
}

/// One field of an item.
public struct Field: Equatable, Sendable {
    /// The name by which scripts get at it.
    public var name: String
    /// What it holds.
    public var kind: FieldKind
    /// What it means, for people; "" where nothing is said.
    public var doc: String
    /// The place of the field that this one counts, if it does. Such a field is filled in when an item is encoded.
    public var counts: Int?

    /// A field; `counts` is the place of the one that it counts.
    public init(_ name: String, _ kind: FieldKind, doc: String = "", counts: Int? = nil) {
        self.name = name
        self.kind = kind
        self.doc = doc
        self.counts = counts
    }
}

/// What a field is.
public indirect enum FieldKind: Equatable, Sendable {
    /// A little-endian integer.
    case integer(IntegerField)
    /// Bytes, in a form that people can read.
    case bytes(FieldCount, BytesFormat)
    /// 12 bytes: seconds since 1970 (signed), nanoseconds.
    case time
    /// 17 bytes.
    case key
    /// Fields one after the other.
    case structure(FieldList)
    /// So many of the same kind.
    case array(FieldKind, FieldCount)

    /// Whether all values have the same size.
    public var isFixed: Bool {
        switch self {
        case .integer, .time, .key: true
        case .bytes(let count, _): count.isFixed
        case .structure(let list): list.isFixed
        case .array(let element, let count): count.isFixed && element.isFixed
        }
    }

    /// The size of the smallest value.
    public var minimumByteCount: Int {
        switch self {
        case .integer(let integer): integer.byteCount
        case .time: 12
        case .key: Key.byteCount
        case .bytes(.fixed(let count), _): count
        case .bytes: 0
        case .structure(let list): list.minimumByteCount
        case .array(let element, .fixed(let count)): element.minimumByteCount * count
        case .array: 0
        }
    }
}

/// An integer of 1, 2, 4 or 8 bytes.
public struct IntegerField: Equatable, Sendable {
    /// How the value is shown.
    public enum Format: String, CaseIterable, Sendable { case decimal, hex, octal, time }
    /// 1, 2, 4 or 8.
    public var byteCount: Int
    /// Whether the highest bit is a sign.
    public var isSigned: Bool
    /// How the value is shown.
    public var format = Format.decimal
    /// Names of values, or of bits where `isFlags`.
    public var names: [UInt64: String] = [:]
    /// Whether each bit has a meaning of its own.
    public var isFlags = false

    /// A number that is shown in decimal form and has no names.
    public init(byteCount: Int, isSigned: Bool) {
        self.byteCount = byteCount
        self.isSigned = isSigned
    }

    /// The words by which scripts name the types.
    public static let words: [String: IntegerField] = [
        "u8": .init(byteCount: 1, isSigned: false), "i8": .init(byteCount: 1, isSigned: true),
        "u16": .init(byteCount: 2, isSigned: false), "i16": .init(byteCount: 2, isSigned: true),
        "u32": .init(byteCount: 4, isSigned: false), "i32": .init(byteCount: 4, isSigned: true),
        "u64": .init(byteCount: 8, isSigned: false), "i64": .init(byteCount: 8, isSigned: true),
    ]

    /// Whether a Lua integer is one of the values. A u64 above 2^63-1 is negative in Lua.
    func holds(_ value: Int64) -> Bool {
        guard byteCount < 8 else { return true }
        let bits = 8 * byteCount
        if isSigned { return value >= -(1 << (bits - 1)) && value < 1 << (bits - 1) }
        return value >= 0 && value < 1 << bits
    }

    /// For messages.
    var rangeText: String {
        let bits = 8 * byteCount
        return isSigned ? "-2^\(bits - 1) to 2^\(bits - 1)-1" : "0 to 2^\(bits)-1"
    }
}

/// How bytes are shown.
public enum BytesFormat: String, CaseIterable, Sendable { case hex, text, uuid }

/// How many bytes or elements there are.
public enum FieldCount: Equatable, Sendable {
    /// Always so many.
    case fixed(Int)
    /// As the field at this place of the same list says.
    case field(Int)
    /// All that is left of the item.
    case rest

    var isFixed: Bool { if case .fixed = self { true } else { false } }
}

/// The value of a field.
public enum FieldValue: Equatable, Sendable {
    /// Of an unsigned field by its bits.
    case integer(Int64)
    /// Of `bytes` and text.
    case bytes([UInt8])
    /// Of `time`.
    case time(Timestamp)
    /// Of `key`.
    case key(Key)
    /// Of a structure, in the order of its fields.
    case record([FieldValue])
    /// Of an array.
    case list([FieldValue])
}

/// Values that do not fit the fields they are for.
public struct FieldError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
