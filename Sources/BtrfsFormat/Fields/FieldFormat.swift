/// How the bytes of a field are shown.
public enum FieldFormat: Equatable, Sendable {
    /// A little-endian integer in decimal.
    case unsigned, signed
    /// The same in another base.
    case hexadecimal, octal
    /// An integer whose reserved values are shown as small negative numbers.
    case objectID
    /// A set of bits; the names by bit number.
    case flags(NumberNames)
    /// An integer whose values have names.
    case named(NumberNames)
    /// 12 bytes: seconds since 1970 (signed), nanoseconds.
    case time
    /// 17 bytes.
    case key
    /// 16 bytes.
    case uuid
    /// Text that ends at the first zero byte.
    case text
    /// Hexadecimal digits, two for each byte.
    case bytes
}

/// Names of numbers: of the bits of a set, or of the values of an integer.
public struct NumberNames: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    private let names: [UInt64: String]

    /// Names by number.
    public init(_ names: [UInt64: String]) { self.names = names }
    /// Names by number; of several for one number the first counts.
    public init(dictionaryLiteral elements: (UInt64, String)...) {
        names = Dictionary(elements) { first, _ in first }
    }

    /// The name of `number`; nil where it has none.
    public subscript(number: UInt64) -> String? { names[number] }

    /// The names of the bits set in `bits`, lowest first and joined by `|`; bits without a name as one
    /// hexadecimal number.
    public func joined(bits: UInt64) -> String {
        if bits == 0 { return "none" }
        var parts: [String] = []
        var unknown: UInt64 = 0
        for bit in UInt64(0)..<64 where bits & (1 << bit) != 0 {
            if let name = names[bit] { parts.append(name) } else { unknown |= 1 << bit }
        }
        if unknown != 0 { parts.append("0x" + String(unknown, radix: 16)) }
        return parts.joined(separator: "|")
    }
}
