internal import BtrfsFormat
internal import LuaRuntime

/// Reads the keys of one definition, and notes what is wrong with them.
struct TableReader {
    let table: LuaTable
    /// For messages: `item "counter"`.
    let subject: String
    let place: String
    let problems: ProblemList

    func problem(_ text: String) { problems.add("\(subject): \(text)", at: place) }

    /// Notes the keys that the definition does not have.
    func checkKeys(_ known: [String]) {
        for entry in table.entries {
            guard case .string = entry.key, let name = entry.key.text else {
                problem("a key of type \(entry.key.typeName); all keys are names")
                continue
            }
            if !known.contains(name) {
                problem("unknown key \"\(name)\"\(Nearest.hint(name, among: known, quote: "\""))")
            }
        }
    }

    private func mismatch(_ key: String, _ expected: String, _ value: LuaValue?) {
        guard let value, value != .nil else { return problem("\(key) is missing") }
        problem("\(key) must be \(expected), got \(value.typeName)")
    }

    func requiredText(_ key: String) -> String {
        guard let text = table[key]?.text else {
            mismatch(key, "a string", table[key])
            return ""
        }
        return text
    }

    /// The value of a key, where it is there; one of another type is a problem.
    private func value<Value>(_ key: String, _ expected: String, _ read: (LuaValue) -> Value?) -> Value? {
        guard let value = table[key] else { return nil }
        guard let result = read(value) else {
            mismatch(key, expected, value)
            return nil
        }
        return result
    }

    func text(_ key: String) -> String? { value(key, "a string", \.text) }
    func integer(_ key: String) -> Int64? { value(key, "an integer", \.integer) }
    func boolean(_ key: String) -> Bool? { value(key, "true or false", \.boolean) }
    func function(_ key: String) -> LuaReference? { value(key, "a function", \.function) }
    func table(_ key: String) -> LuaTable? { value(key, "a table", \.table) }

    /// A list without gaps and other keys.
    func list(_ key: String) -> [LuaValue]? {
        guard let table = table(key) else { return nil }
        let list = table.list
        if list.count != table.entries.count { problem("\(key) must be a list without gaps") }
        return list
    }

    /// One of a closed set of words.
    func word(_ key: String, _ words: [String]) -> String? {
        guard let text = text(key) else { return nil }
        guard words.contains(text) else {
            problem("\(key): unknown word \"\(text)\"\(Nearest.hint(text, among: words, quote: "\""))")
            return nil
        }
        return text
    }

    /// A name of lower case letters, digits, - and _.
    func name() -> String {
        let name = requiredText("name")
        let isRight = !name.isEmpty && name.utf8.count <= 64 && name.utf8.first.map { $0 >= 97 && $0 <= 122 } == true
            && name.utf8.allSatisfy {
                ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
        if !isRight, table["name"]?.text != nil {
            problem("name must be lower case letters, digits, - and _, and begin with a letter")
        }
        return name
    }

    /// A key type by number or name.
    func keyType(_ value: LuaValue, _ key: String) -> KeyType? {
        if let number = value.integer {
            if let number = UInt8(exactly: number) { return KeyType(number) }
            problem("\(key): key types are 0 to 255, got \(number)")
            return nil
        }
        guard let name = value.text else {
            mismatch(key, "a number or a name", value)
            return nil
        }
        if let type = KeyType(name: name) { return type }
        let hint = Nearest.hint(name, among: Array(KeyType.names.values), quote: "\"")
        problem("\(key): unknown type \"\(name)\"\(hint)")
        return nil
    }

    func keyTypes(_ key: String) -> Set<UInt8>? {
        guard let list = list(key) else { return nil }
        return Set(list.compactMap { keyType($0, key)?.rawValue })
    }

    func options(under key: String = "options") -> [PluginOption] {
        guard let table = table(key) else { return [] }
        var options: [PluginOption] = []
        for entry in table.entries {
            guard case .string = entry.key, let name = entry.key.text else {
                problem("\(key): all keys are names")
                continue
            }
            switch entry.value {
            case .boolean(let value): options.append(PluginOption(name: name, value: .boolean(value)))
            case .integer(let value): options.append(PluginOption(name: name, value: .integer(value)))
            case .number(let value): options.append(PluginOption(name: name, value: .number(value)))
            case .string(let value):
                options.append(PluginOption(name: name, value: .text(String(decoding: value, as: UTF8.self))))
            default: problem("\(key): \"\(name)\" must be a boolean, number or string, got \(entry.value.typeName)")
            }
        }
        return options
    }
}
