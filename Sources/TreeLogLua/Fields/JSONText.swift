/// A value of JSON, with integers as they were written.
enum JSONText {
    case null
    case boolean(Bool)
    /// The digits, which may be those of any 64-bit number.
    case number(String)
    case string(String)
    case list([JSONText])
    case object([Member])

    struct Member {
        var name: String
        var value: JSONText
    }

    /// - Throws: `FieldError` that names the byte where it is no JSON.
    init(parsing text: String) throws(FieldError) {
        var reader = JSONReader(text)
        self = try reader.document()
    }

    var typeName: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .list: "a list"
        case .object: "an object"
        }
    }
}

/// Reads JSON by RFC 8259, nested at most so deeply.
private struct JSONReader {
    private static let depthLimit = 32
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    private func failure(_ text: String) -> FieldError { FieldError("no JSON: \(text) at byte \(position)") }

    private mutating func skipSpace() {
        while position < bytes.count, [9, 10, 13, 32].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ letter: Character) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == letter.asciiValue else { return false }
        position += 1
        return true
    }

    mutating func document() throws(FieldError) -> JSONText {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw failure("something after the value") }
        return value
    }

    private mutating func value() throws(FieldError) -> JSONText {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw failure("nested too deeply") }
        if take("{") { return .object(try members()) }
        if take("[") { return .list(try elements()) }
        if take("\"") { return .string(try string()) }
        let start = position
        while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "null": return .null
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default:
            guard Double(word) != nil, word.first?.isLetter == false else {
                position = start
                throw failure("a value is missing")
            }
            return .number(word)
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || [43, 45, 46].contains(byte)
    }

    private mutating func elements() throws(FieldError) -> [JSONText] {
        var elements: [JSONText] = []
        if take("]") { return elements }
        repeat { elements.append(try value()) } while take(",")
        guard take("]") else { throw failure("']' is missing") }
        return elements
    }

    private mutating func members() throws(FieldError) -> [JSONText.Member] {
        var members: [JSONText.Member] = []
        if take("}") { return members }
        repeat {
            guard take("\"") else { throw failure("a name in quotes is missing") }
            let name = try string()
            guard !members.contains(where: { $0.name == name }) else { throw failure("'\(name)' is there twice,") }
            guard take(":") else { throw failure("':' is missing") }
            members.append(JSONText.Member(name: name, value: try value()))
        } while take(",")
        guard take("}") else { throw failure("'}' is missing") }
        return members
    }

    /// What follows the opening quote.
    private mutating func string() throws(FieldError) -> String {
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try escaped()
            case 0..<32: throw failure("a control character in a string")
            default: text.append(byte)
            }
        }
        throw failure("a quote is missing")
    }

    private mutating func escaped() throws(FieldError) -> [UInt8] {
        guard position < bytes.count else { throw failure("a quote is missing") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"): return Array(String(Character(try scalar())).utf8)
        default: throw failure("an unknown escape")
        }
    }

    private mutating func scalar() throws(FieldError) -> Unicode.Scalar {
        var code = try digits()
        if (0xd800..<0xdc00).contains(code), bytes[position...].starts(with: "\\u".utf8) {
            position += 2
            let low = try digits()
            guard (0xdc00..<0xe000).contains(low) else { throw failure("half a character") }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half a character") }
        return scalar
    }

    private mutating func digits() throws(FieldError) -> UInt32 {
        let text = String(decoding: bytes[position...].prefix(4), as: UTF8.self)
        guard text.utf8.count == 4, let code = UInt32(text, radix: 16) else { throw failure("four digits are missing") }
        position += 4
        return code
    }
}
