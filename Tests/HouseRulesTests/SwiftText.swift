/// Swift source, line by line, with code apart from comments and strings.
///
/// In `code` every byte of a comment or of the inside of a string literal is a blank; code in an
/// interpolation stays. `prose` is the complement. So both have the lines and columns of the source.
struct SwiftText {
    private(set) var code: [[UInt8]] = [[]]
    private(set) var prose: [[UInt8]] = [[]]

    private enum Mode {
        case code
        /// Code within a string; the number of parentheses open.
        case interpolation(Int)
        case lineComment
        case blockComment(Int)
        /// The number of `#` before the quote, and of quotes.
        case string(hashes: Int, quotes: Int)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var modes: [Mode] = [.code]

    init(_ text: String) {
        bytes = Array(text.utf8)
        while position < bytes.count { step() }
    }

    private mutating func step() {
        if bytes[position] == UInt8(ascii: "\n") { return endLine() }
        switch modes[modes.count - 1] {
        case .code, .interpolation: stepInCode()
        case .lineComment: take(1, asCode: false)
        case .blockComment(let depth): stepInBlockComment(depth)
        case .string(let hashes, let quotes): stepInString(hashes, quotes)
        }
    }

    private mutating func endLine() {
        if case .lineComment = modes[modes.count - 1] { modes.removeLast() }
        code.append([])
        prose.append([])
        position += 1
    }

    private mutating func take(_ count: Int, asCode isCode: Bool) {
        for byte in bytes[position..<min(position + count, bytes.count)] {
            code[code.count - 1].append(isCode ? byte : UInt8(ascii: " "))
            prose[prose.count - 1].append(isCode ? UInt8(ascii: " ") : byte)
        }
        position += count
    }

    private func follows(_ text: StaticString, at start: Int? = nil) -> Bool {
        let wanted = "\(text)".utf8
        return bytes[(start ?? position)...].starts(with: wanted)
    }

    private func count(of character: Character, at start: Int) -> Int {
        bytes[start...].prefix { $0 == character.asciiValue }.count
    }

    private mutating func stepInCode() {
        let byte = bytes[position]
        if byte == UInt8(ascii: "/"), follows("//") {
            modes.append(.lineComment)
            return take(2, asCode: false)
        }
        if byte == UInt8(ascii: "/"), follows("/*") {
            modes.append(.blockComment(1))
            return take(2, asCode: false)
        }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") {
            let hashes = count(of: "#", at: position)
            if position + hashes < bytes.count, bytes[position + hashes] == UInt8(ascii: "\"") {
                let quotes = follows("\"\"\"", at: position + hashes) ? 3 : 1
                modes.append(.string(hashes: hashes, quotes: quotes))
                return take(hashes + quotes, asCode: true)
            }
        }
        if case .interpolation(let depth) = modes[modes.count - 1] {
            let change = byte == UInt8(ascii: "(") ? 1 : byte == UInt8(ascii: ")") ? -1 : 0
            modes[modes.count - 1] = .interpolation(depth + change)
            if depth + change == 0 { modes.removeLast() }
        }
        take(1, asCode: true)
    }

    private mutating func stepInBlockComment(_ depth: Int) {
        if follows("/*") {
            modes[modes.count - 1] = .blockComment(depth + 1)
            take(2, asCode: false)
        } else if follows("*/") {
            modes[modes.count - 1] = .blockComment(depth - 1)
            if depth == 1 { modes.removeLast() }
            take(2, asCode: false)
        } else {
            take(1, asCode: false)
        }
    }

    private mutating func stepInString(_ hashes: Int, _ quotes: Int) {
        if bytes[position] == UInt8(ascii: "\\"), count(of: "#", at: position + 1) >= hashes {
            let next = position + 1 + hashes
            if next < bytes.count, bytes[next] == UInt8(ascii: "(") {
                modes.append(.interpolation(1))
                return take(2 + hashes, asCode: true)
            }
            // An escaped character; a line that ends in a backslash ends here all the same.
            let escapesNewline = next < bytes.count && bytes[next] == UInt8(ascii: "\n")
            return take(1 + hashes + (escapesNewline ? 0 : 1), asCode: false)
        }
        let ends = quotes == 3 ? follows("\"\"\"") : follows("\"")
        if ends, count(of: "#", at: position + quotes) >= hashes {
            modes.removeLast()
            return take(quotes + hashes, asCode: true)
        }
        take(1, asCode: false)
    }
}
