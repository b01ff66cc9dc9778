internal import LuaRuntime

/// What scripts write: JSON, CSV, hexadecimal digits.
enum TextFormat {
    /// A value as JSON. A table with the keys 1, 2, 3… is an array, and an empty one too.
    static func json(_ value: LuaValue) throws -> String {
        var text = ""
        try append(value, to: &text)
        return text
    }

    /// Tables were read whole, at most as deep as the machine's limits allow.
    private static func append(_ value: LuaValue, to text: inout String) throws {
        switch value {
        case .nil: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value):
            guard value.isFinite else { throw APIError("JSON has no infinite numbers") }
            text += String(value)
        case .string(let bytes): append(String(decoding: bytes, as: UTF8.self), to: &text)
        case .table(let table):
            let list = table.list
            if list.count == table.entries.count {
                text += "["
                for (index, element) in list.enumerated() {
                    if index > 0 { text += "," }
                    try append(element, to: &text)
                }
                text += "]"
            } else {
                text += "{"
                for (index, entry) in table.entries.enumerated() {
                    guard let key = entry.key.text ?? entry.key.integer.map(String.init) else {
                        throw APIError("keys in JSON are strings")
                    }
                    if index > 0 { text += "," }
                    append(key, to: &text)
                    text += ":"
                    try append(entry.value, to: &text)
                }
                text += "}"
            }
        case .function, .view: throw APIError("JSON has no \(value.typeName)s")
        }
    }

    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1f}", "\u{7f}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// Values as a line of CSV by RFC 4180, but with a single newline at the end.
    static func csv(_ table: LuaTable) throws -> String {
        let values: [String] = try table.list.map { value in
            switch value {
            case .boolean(let value): return value ? "true" : "false"
            case .integer(let value): return String(value)
            case .number(let value): return String(value)
            case .string(let bytes): return quoted(String(decoding: bytes, as: UTF8.self))
            default: throw APIError("CSV has no \(value.typeName)s")
            }
        }
        return values.joined(separator: ",") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 34 || $0 == 44 || $0 == 10 || $0 == 13 }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    static func unhex(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digit(digits[index]), let low = digit(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): letter - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): letter - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): letter - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Patterns of paths: `*` and `?` stand for letters other than `/`, `**` for any.
enum Glob {
    /// - Complexity: O(pattern × path).
    static func matches(_ pattern: [UInt8], _ path: [UInt8]) -> Bool {
        // Which beginnings of the pattern fit the beginning of the path that was looked at.
        let tokens = tokens(pattern)
        var fits = [Bool](repeating: false, count: tokens.count + 1)
        fits[0] = true
        for (index, token) in tokens.enumerated() where token.isStar { fits[index + 1] = fits[index] }
        for letter in path {
            var next = [Bool](repeating: false, count: tokens.count + 1)
            for (index, token) in tokens.enumerated() {
                switch token {
                case .letter(let wanted): next[index + 1] = fits[index] && letter == wanted
                case .any: next[index + 1] = fits[index] && letter != UInt8(ascii: "/")
                case .star: next[index + 1] = next[index] || (fits[index + 1] && letter != UInt8(ascii: "/"))
                case .doubleStar: next[index + 1] = next[index] || fits[index + 1]
                }
            }
            fits = next
        }
        return fits[tokens.count]
    }

    private enum Token {
        case letter(UInt8), any, star, doubleStar
        var isStar: Bool {
            switch self {
            case .star, .doubleStar: true
            default: false
            }
        }
    }

    private static func tokens(_ pattern: [UInt8]) -> [Token] {
        var tokens: [Token] = []
        var index = 0
        while index < pattern.count {
            switch pattern[index] {
            case UInt8(ascii: "*") where index + 1 < pattern.count && pattern[index + 1] == UInt8(ascii: "*"):
                tokens.append(.doubleStar)
                index += 1
            case UInt8(ascii: "*"): tokens.append(.star)
            case UInt8(ascii: "?"): tokens.append(.any)
            case let letter: tokens.append(.letter(letter))
            }
            index += 1
        }
        return tokens
    }
}
