internal import BtrfsFormat

extension PluginSource {
    /// What is wrong with the names in the files of a plugin, as far as it can be seen without running them.
    ///
    /// These are names that are no local variables and nothing that treelog offers: mostly typing errors, also in
    /// `treelog.…`, or a missing `local`. What is not understood is let pass. Linear in the length of the files.
    public func misspeltNames() -> [PluginProblem] {
        files.sorted { $0.key < $1.key }.flatMap { file, text in
            let place = path.hasSuffix(".lua") ? path : "\(path)/\(file)"
            return GlobalsLint.run(over: text).map { PluginProblem($0.text, at: "\(place):\($0.line)") }
        }
    }
}

/// Follows the blocks of a script with the names that are local in each.
private struct GlobalsLint {
    private static let known: Set<String> = [
        "treelog", "require", "string", "table", "math", "utf8", "assert", "error", "getmetatable", "ipairs", "next",
        "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring",
        "type", "xpcall", "_VERSION", "print", "self",
    ]
    private static let keywords: Set<String> = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
        "not", "or", "repeat", "return", "then", "true", "until", "while",
    ]

    private let tokens: [LuaToken]
    private var scopes: [Set<String>] = [[]]
    /// The opening words and braces that are not closed.
    private var open: [String] = []
    private var found: [(line: Int, text: String)] = []
    /// Names that become local when the statement is over.
    private var pending: [String] = []
    private var position = 0

    private init(_ text: [UInt8]) { tokens = LuaTokens.all(in: text) }

    static func run(over text: [UInt8]) -> [(line: Int, text: String)] {
        var lint = GlobalsLint(text)
        lint.run()
        return lint.found
    }

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
        found.append((tokens[position + offset].line, problem + Nearest.hint(name, among: names)))
    }
}
