/// A JSON value as state documents use it: integers are exact, there are no fractions.
public indirect enum JSONValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The member of an object; nil when there is none, or when this is no object.
    public subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    public var members: [String: JSONValue]? {
        if case .object(let members) = self { members } else { nil }
    }

    public var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }
}

extension JSONValue: CustomStringConvertible {
    /// JSON on one line. Members are sorted, numbers as names by their value.
    public var description: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .string(let text): JSONValue.quoted(text)
        case .array(let elements): "[" + elements.map(\.description).joined(separator: ",") + "]"
        case .object(let members):
            "{" + JSONValue.sortedNames(members.keys)
                .map { "\(JSONValue.quoted($0)):\(members[$0] ?? .null)" }.joined(separator: ",") + "}"
        }
    }

    /// Numbers first, by value; the others by their bytes.
    static func sortedNames(_ names: some Sequence<String>) -> [String] {
        names.sorted { left, right in
            switch (UInt64(left), UInt64(right)) {
            case (let left?, let right?): left < right
            case (.some, nil): true
            case (nil, .some): false
            case (nil, nil): left < right
            }
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension JSONValue {
    /// - Throws: `OracleError.document` with the byte offset of what is no JSON. A name that
    ///   occurs twice in an object, and a number that is no 64-bit integer, are errors too:
    ///   a judge must not choose between two readings.
    public init(parsing text: [UInt8]) throws(OracleError) {
        var parser = JSONParser(text: text)
        self = try parser.document()
    }

    /// Parses text; see ``init(parsing:)``.
    public init(parsing text: String) throws(OracleError) {
        try self.init(parsing: Array(text.utf8))
    }
}

private struct JSONParser {
    let text: [UInt8]
    var position = 0
    var depth = 0

    init(text: [UInt8]) { self.text = text }

    mutating func document() throws(OracleError) -> JSONValue {
        let value = try value()
        skipSpace()
        if position < text.count { throw error("something follows the document") }
        return value
    }

    private func error(_ reason: String) -> OracleError { .document("\(reason) at byte \(position)") }

    private var byte: UInt8 { position < text.count ? text[position] : 0 }

    private mutating func skipSpace() {
        while position < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[position]) { position += 1 }
    }

    private mutating func take(_ wanted: Character) -> Bool {
        skipSpace()
        guard byte == wanted.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(OracleError) -> JSONValue {
        depth += 1
        defer { depth -= 1 }
        if depth > 64 { throw error("nested too deeply") }
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: return try word()
        }
    }

    private mutating func object() throws(OracleError) -> JSONValue {
        var members: [String: JSONValue] = [:]
        position += 1
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            let name = try string()
            if !take(":") { throw error("no ':'") }
            if members.updateValue(try value(), forKey: name) != nil {
                throw error("'\(name)' a second time")
            }
        } while take(",")
        if !take("}") { throw error("no '}'") }
        return .object(members)
    }

    private mutating func array() throws(OracleError) -> JSONValue {
        var elements: [JSONValue] = []
        position += 1
        if take("]") { return .array(elements) }
        repeat { elements.append(try value()) } while take(",")
        if !take("]") { throw error("no ']'") }
        return .array(elements)
    }

    private mutating func number() throws(OracleError) -> JSONValue {
        let start = position
        while "+-.0123456789eE".utf8.contains(byte) { position += 1 }
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        guard let value = Int64(digits) else { throw error("'\(digits)' is no 64-bit integer") }
        return .integer(value)
    }

    private mutating func word() throws(OracleError) -> JSONValue {
        let words: [(String, JSONValue)] = [
            ("null", .null), ("true", .boolean(true)), ("false", .boolean(false)),
        ]
        for (word, value) in words where text[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        throw error("no value")
    }

    private mutating func string() throws(OracleError) -> String {
        if byte != UInt8(ascii: "\"") { throw error("no string") }
        position += 1
        var bytes: [UInt8] = []
        while true {
            let start = position
            while position < text.count, text[position] != UInt8(ascii: "\""),
                text[position] != UInt8(ascii: "\\"), text[position] >= 0x20
            {
                position += 1
            }
            bytes += text[start..<position]
            if byte == UInt8(ascii: "\"") { break }
            if byte != UInt8(ascii: "\\") { throw error("a string does not end") }
            position += 1
            bytes += try escape()
        }
        position += 1
        guard let string = String(validating: bytes, as: UTF8.self) else { throw error("no UTF-8") }
        return string
    }

    private mutating func escape() throws(OracleError) -> [UInt8] {
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F,
            UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
            UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
        ]
        defer { position += 1 }
        if let character = simple[byte] { return [character] }
        if byte != UInt8(ascii: "u") || text.count - position < 5 { throw error("no escape") }
        let digits = String(decoding: text[(position + 1)..<(position + 5)], as: UTF8.self)
        position += 4
        // Halves of surrogate pairs do not occur: documents are ASCII.
        guard let number = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(number) else {
            throw error("no character '\(digits)'")
        }
        return Array(String(Character(scalar)).utf8)
    }
}
