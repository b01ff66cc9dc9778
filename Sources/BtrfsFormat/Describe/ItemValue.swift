/// The value of a field in a form that can be shown.
public enum ItemValue: Equatable, Sendable {
    /// A number.
    case unsigned(UInt64)
    /// A number that can be negative.
    case signed(Int64)
    /// Words of this program: names of flags, a number in another base, a UUID.
    case text(String)
    /// Bytes that are text for people in most cases: names of files.
    case name([UInt8])
    /// Bytes that are no text.
    case bytes([UInt8])
    /// A point in time.
    case time(Timestamp)
    /// A key.
    case key(Key)
    /// Values of one kind.
    case list([ItemValue])
    /// Named values.
    case record(ItemRecord)
}

/// Named values in order.
public struct ItemRecord: Equatable, Sendable {
    /// A named value.
    public struct Entry: Equatable, Sendable {
        /// The name of the field.
        public var name: String
        /// What it holds.
        public var value: ItemValue
    }

    /// The fields in their order.
    public private(set) var entries: [Entry] = []

    /// A record without fields.
    public init() {}

    /// The fields of a structure that starts at `base`.
    ///
    /// - Throws: `FormatError.outOfBounds` when it does not lie within `bytes`.
    public init(_ layout: Layout, _ bytes: RawSpan, at base: Int = 0) throws(FormatError) {
        for field in layout.fields { append(field.name, try field.value(bytes, at: base)) }
    }

    /// The first value with this name.
    public subscript(_ name: String) -> ItemValue? { entries.first { $0.name == name }?.value }

    /// Adds a field behind those there are.
    public mutating func append(_ name: String, _ value: ItemValue) {
        entries.append(Entry(name: name, value: value))
    }

    /// Appends all values of `other`.
    public mutating func append(contentsOf other: ItemRecord) { entries += other.entries }
}

extension LayoutField {
    /// The value of the field in a structure that starts at `base`.
    ///
    /// - Throws: `FormatError.outOfBounds` when it does not lie within `bytes`.
    public func value(_ bytes: RawSpan, at base: Int = 0) throws(FormatError) -> ItemValue {
        let field = try bytes.slice(at: base &+ offset, count: byteCount)
        switch format {
        case .unsigned: return .unsigned(Self.integer(field))
        case .signed: return .signed(Self.signExtended(Self.integer(field), byteCount: byteCount))
        case .hexadecimal: return .text("0x" + String(Self.integer(field), radix: 16))
        case .octal: return .text(String(Self.integer(field), radix: 8))
        case .objectID:
            let id = Self.integer(field)
            let isReserved = byteCount == 8 && id > UInt64.max - 256
            return isReserved ? .signed(Int64(bitPattern: id)) : .unsigned(id)
        case .flags(let names): return .text(names.joined(bits: Self.integer(field)))
        case .named(let names):
            let number = Self.integer(field)
            return .text(names[number] ?? "unknown \(number)")
        case .time: return .time(try Timestamp(field, at: 0))
        case .key: return .key(try Key(field, at: 0))
        case .uuid: return .text(try field.uuid(at: 0).description)
        case .text: return .name(Array(field.copied.prefix { $0 != 0 }))
        case .bytes: return .bytes(field.copied)
        }
    }

    /// The little-endian integer that the bytes are; of more than eight the first eight.
    private static func integer(_ bytes: RawSpan) -> UInt64 {
        var value: UInt64 = 0
        for byte in bytes.extracting(first: min(8, bytes.byteCount)).copied.reversed() {
            value = value << 8 | UInt64(byte)
        }
        return value
    }

    private static func signExtended(_ value: UInt64, byteCount: Int) -> Int64 {
        let unused = UInt64(max(0, 64 - 8 * byteCount))
        return Int64(bitPattern: value << unused) >> Int64(unused)
    }
}

extension ItemValue {
    /// The value on one line. Lists are cut after eight values, long bytes after 32; records stand in braces.
    public var text: String {
        switch self {
        case .unsigned(let value): String(value)
        case .signed(let value): String(value)
        case .text(let text): text
        case .name(let name): EscapedBytes.text(name)
        case .bytes([]): "-"
        case .bytes(let bytes) where bytes.count > 64:
            EscapedBytes.hexadecimal(Array(bytes.prefix(32))) + " … \(bytes.count) bytes"
        case .bytes(let bytes): EscapedBytes.hexadecimal(bytes)
        case .time(let time): time.description
        case .key(let key): key.description
        case .list(let values):
            values.prefix(8).map(\.text).joined(separator: " ")
                + (values.count > 8 ? " … \(values.count) in all" : "")
        case .record(let record):
            "{" + record.entries.map { $0.name + " " + $0.value.text }.joined(separator: " ") + "}"
        }
    }
}
