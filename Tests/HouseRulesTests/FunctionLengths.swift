/// Where the functions of a Swift file begin and end. Accessors, property bodies and initialisers are
/// functions too.
struct FunctionLengths {
    /// The line of the declaration and that of the closing brace, both from 0.
    private(set) var functions: [ClosedRange<Int>] = []

    private static let declarations: Set<String> = ["func", "init", "deinit", "subscript", "var", "let"]
    private static let types: Set<String> = ["struct", "class", "enum", "extension", "protocol", "actor"]

    private var line = 0
    private var parentheses = 0
    /// A declaration whose body has not begun: its line, and how many parentheses were open.
    private var pending: (line: Int, parentheses: Int)?
    /// The line of the declaration that each open brace belongs to, nil for other braces.
    private var braces: [Int?] = []

    /// `code` is that of `SwiftText`.
    init(code: [[UInt8]]) {
        for (index, text) in code.enumerated() {
            line = index
            scan(text)
        }
    }

    private mutating func scan(_ text: [UInt8]) {
        var position = 0
        while position < text.count {
            let word = text[position...].prefix(while: \.isPartOfWord)
            if word.isEmpty {
                scan(text[position])
                position += 1
            } else {
                let isMember = position > 0 && text[position - 1] == UInt8(ascii: ".")
                if !isMember { scan(String(decoding: word, as: UTF8.self)) }
                position += word.count
            }
        }
    }

    private mutating func scan(_ word: String) {
        if Self.declarations.contains(word) {
            pending = (line, parentheses)
        } else if Self.types.contains(word) {
            pending = nil
        }
    }

    private mutating func scan(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "("): parentheses += 1
        case UInt8(ascii: ")"): parentheses -= 1
        case UInt8(ascii: "{"):
            let isBody = pending.map { $0.parentheses == parentheses } ?? false
            braces.append(isBody ? pending?.line : nil)
            if isBody { pending = nil }
        case UInt8(ascii: "}"):
            if let start = braces.popLast() ?? nil { functions.append(start...line) }
            // The end of a closure among the parameters is not the end of what surrounds the declaration.
            if pending?.parentheses == parentheses { pending = nil }
        default: break
        }
    }
}

extension UInt8 {
    /// Whether this is a letter, digit or underscore, or belongs to a character beyond ASCII.
    var isPartOfWord: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...: true
        default: false
        }
    }
}
