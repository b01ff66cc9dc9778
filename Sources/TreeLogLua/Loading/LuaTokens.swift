/// A word, a sign or a literal of a script.
struct LuaToken {
    var text: String
    var line: Int
    /// Whether it is a name or a keyword.
    var isName: Bool
}

/// Splits scripts into tokens.
enum LuaTokens {
    static func all(in text: [UInt8]) -> [LuaToken] {
        var tokens: [LuaToken] = []
        var rest = text[...]
        var line = 1
        while let first = rest.first {
            let word = rest.prefix { isWord($0) }
            if first == 10 {
                line += 1
                rest.removeFirst()
            } else if rest.starts(with: "--".utf8) {
                rest.removeFirst(2)
                if !skipLong(&rest, &line) { rest = rest.drop { $0 != 10 } }
            } else if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
                skipString(first, &rest, &line)
                tokens.append(LuaToken(text: "\"", line: line, isName: false))
            } else if first == UInt8(ascii: "["), skipLong(&rest, &line) {
                tokens.append(LuaToken(text: "\"", line: line, isName: false))
            } else if !word.isEmpty {
                let isName = !(48...57).contains(first)
                tokens.append(LuaToken(text: String(decoding: word, as: UTF8.self), line: line, isName: isName))
                rest = rest.dropFirst(word.count)
            } else {
                let sign = signs.first { rest.starts(with: $0.utf8) } ?? String(decoding: [first], as: UTF8.self)
                if first > 32 { tokens.append(LuaToken(text: sign, line: line, isName: false)) }
                rest.removeFirst(first > 32 ? sign.utf8.count : 1)
            }
        }
        return tokens
    }

    private static let signs = ["...", "..", "==", "~=", "<=", ">=", "::", "//", "<<", ">>"]

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }

    private static func skipString(_ quote: UInt8, _ rest: inout ArraySlice<UInt8>, _ line: inout Int) {
        rest.removeFirst()
        while let byte = rest.popFirst(), byte != quote {
            if byte == 10 { line += 1 }
            if byte == UInt8(ascii: "\\"), let next = rest.popFirst(), next == 10 { line += 1 }
        }
    }

    /// Passes over `[==[ … ]==]`; false where there is none.
    private static func skipLong(_ rest: inout ArraySlice<UInt8>, _ line: inout Int) -> Bool {
        guard rest.first == UInt8(ascii: "[") else { return false }
        let level = rest.dropFirst().prefix { $0 == UInt8(ascii: "=") }.count
        guard rest.dropFirst(level + 1).first == UInt8(ascii: "[") else { return false }
        let end = "]" + String(repeating: "=", count: level) + "]"
        while !rest.isEmpty, !rest.starts(with: end.utf8) {
            if rest.removeFirst() == 10 { line += 1 }
        }
        rest = rest.dropFirst(level + 2)
        return true
    }
}
