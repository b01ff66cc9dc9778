internal import BtrfsFormat
internal import TreeLogLua

/// Finds names in scripts that are no local variables and nothing that treelog offers: mostly typing errors, also in
/// `treelog.…`, or a missing `local`. It follows the blocks of Lua, and what it does not understand it lets pass.
struct GlobalsLint {
    private static let known: Set<String> = [
        "treelog", "require", "string", "table", "math", "utf8", "assert", "error", "getmetatable", "ipairs", "next",
        "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring",
        "type", "xpcall", "_VERSION", "print", "self",
    ]
    private static let keywords: Set<String> = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
        "not", "or", "repeat", "return", "then", "true", "until", "while",
    ]

    /// All such names in the files of a plugin.
    static func problems(in source: PluginSource) -> [PluginProblem] {
        source.files.sorted { $0.key < $1.key }.flatMap { path, text in
            var lint = GlobalsLint(LuaTokens.all(in: text))
            lint.run()
            let place = source.path.hasSuffix(".lua") ? source.path : "\(source.path)/\(path)"
            return lint.found.map { PluginProblem($0.text, at: "\(place):\($0.line)") }
        }
    }

    private let tokens: [LuaToken]
    private var scopes: [Set<String>] = [[]]
    /// The opening words and braces that are not closed.
    private var open: [String] = []
    private var found: [(line: Int, text: String)] = []
    /// Names that become local when the statement is over.
    private var pending: [String] = []
    private var position = 0

    private init(_ tokens: [LuaToken]) { self.tokens = tokens }

    private func text(_ offset: Int) -> String {
        let index = position + offset
        return tokens.indices.contains(index) ? tokens[index].text : ""
    }

    private mutating func run() {
        while position < tokens.count {
            step()
            position += 1
        }
    }

    private mutating func step() {
        switch text(0) {
        case "local" where text(1) == "function":
            scopes[scopes.count - 1].insert(text(2))
            position += 1
            beginFunction()
        case "local": readLocals()
        case "function": beginFunction()
        case "for": readLoop()
        case "do", "then", "repeat": enter(text(0))
        case "else", "elseif":
            leave()
            if text(0) == "else" { enter("else") }
        case "end", "until": leave()
        case "{": open.append("{")
        case "}": if open.last == "{" { open.removeLast() }
        default: readName()
        }
    }

    private mutating func enter(_ word: String) {
        open.append(word)
        scopes.append(Set(pending))
        pending = []
    }

    private mutating func leave() {
        if let last = open.last, last != "{" { open.removeLast() }
        if scopes.count > 1 { scopes.removeLast() }
    }

    /// Stands on `function`: its name, and its parameters as locals of a new block.
    private mutating func beginFunction() {
        if text(1) != "(" {
            position += 1
            if text(-1) == "function", text(-2) != "local" { readName() }
        }
        while position < tokens.count, text(0) != "(" { position += 1 }
        var parameters = ["self"]
        while position < tokens.count, text(0) != ")" {
            parameters.append(text(0))
            position += 1
        }
        pending += parameters
        enter("function")
    }

    /// Stands on `local`: the names count after the values, but a function among the values may use a name that was
    /// declared before.
    private mutating func readLocals() {
        position += 1
        var names: [String] = []
        while position < tokens.count, tokens[position].isName, !Self.keywords.contains(text(0)) {
            names.append(text(0))
            position += 1
            if text(0) == "<" { position += 3 }
            guard text(0) == "," else { break }
            position += 1
        }
        scopes[scopes.count - 1].formUnion(names)
        position -= 1
    }

    /// Stands on `for`: its names are locals of the block after `do`.
    private mutating func readLoop() {
        position += 1
        while position < tokens.count, text(0) != "=", text(0) != "in" {
            if tokens[position].isName { pending.append(text(0)) }
            position += 1
        }
    }

    private mutating func readName() {
        guard tokens[position].isName, !Self.keywords.contains(text(0)) else { return }
        let (name, before, after) = (text(0), text(-1), text(1))
        if before == "." || before == ":" || before == "::" || before == "goto" { return }
        if open.last == "{", after == "=", before == "{" || before == "," || before == ";" { return }
        if scopes.contains(where: { $0.contains(name) }) { return }
        if name == "treelog" { readField() }
        let isSet = after == "=" || before == "function"
        if isSet {
            found.append((tokens[position].line, "sets the global '\(name)'; say local"))
        } else if !Self.known.contains(name) {
            found.append((tokens[position].line, "reads the global '\(name)', which there is not"))
        }
    }
}

extension GlobalsLint {
    /// What `treelog` and `treelog.kinds` have.
    private static let fields = APITable.classes.first { $0.name == "treelog" }?.entries.map(\.name) ?? []
    private static let kinds = Array(KeyType.names.values)

    /// Stands on `treelog`: a name that is not in it would be an error only when the script gets there.
    private mutating func readField() {
        guard text(1) == "." else { return }
        if !Self.fields.contains(text(2)) {
            tell("'treelog' has no field '\(text(2))'", text(2), among: Self.fields, 2)
        } else if text(2) == "kinds", text(3) == ".", !Self.kinds.contains(text(4)) {
            tell("'treelog.kinds' has no field '\(text(4))'", text(4), among: Self.kinds, 4)
        }
    }

    private mutating func tell(_ problem: String, _ name: String, among names: [String], _ offset: Int) {
        let hint = closest(to: name, in: names).map { " (did you mean '\($0)'?)" } ?? ""
        found.append((tokens[position + offset].line, problem + hint))
    }
}

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
