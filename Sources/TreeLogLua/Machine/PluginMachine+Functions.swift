internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

// The table `treelog`, and what the prelude needs.

extension PluginMachine {
    /// Defines a function of `APITable.treelog`, which is refused out of its phases.
    func define(_ name: String, _ body: @escaping LuaVM.Function) throws(LuaError) {
        let phases = APITable.treelog[name]?.phases ?? []
        let path = "treelog.\(name)"
        if phases == ScriptPhase.any { return try vm.define(path, body) }
        try vm.define(path) { [unowned self] arguments in
            try require(phases, path)
            return try body(arguments)
        }
    }

    /// What the prelude calls; scripts do not see it.
    func defineHost() throws {
        try vm.define("treelog_host.place") { .text($0.callPlace(level: Int(try $0.integer(0)))) }
        try vm.define("treelog_host.make_key") { arguments in
            .table(LuaTable(try Self.key(of: arguments)))
        }
        try vm.define("treelog_host.encode") { [unowned self] arguments in
            try require(ScriptPhase.running, "encode")
            let fields = try fields(of: arguments)
            guard case .table(let table) = try arguments.value(1) else {
                throw APIError("encode needs a table of values")
            }
            return .string(try fields.encode(try fields.values(from: table)))
        }
        try vm.define("treelog_host.decode") { [unowned self] arguments in
            try require(ScriptPhase.running, "decode")
            let fields = try fields(of: arguments)
            guard case .string(let bytes) = try arguments.value(1) else {
                throw APIError("decode needs the bytes of an item")
            }
            return .table(fields.table(of: try fields.decode(bytes.rawSpan)))
        }
        try vm.define("treelog_host.message") { [unowned self] arguments in
            try require(ScriptPhase.running, "treelog.note and treelog.warn")
            let text = try arguments.text(1)
            try vm.countOutput(text.utf8.count + 64)
            let level: ExtensionReport.Message.Level = try arguments.text(0) == "note" ? .note : .warning
            messages.append(ExtensionReport.Message(level, text, at: currentPlace))
            return .nil
        }
    }

    private func fields(of arguments: borrowing LuaArguments) throws -> FieldList {
        guard let number = try? arguments.integer(0), let fields = fieldsOfDeclaration[Int(clamping: number)] else {
            throw APIError("the item type has no fields, or the method was not called with a colon")
        }
        return fields
    }

    /// A key from numbers; the kind may be a name.
    private static func key(of arguments: borrowing LuaArguments) throws -> Key {
        let objectID = ObjectID(try arguments.unsigned(0))
        let offset = arguments.isNil(2) ? 0 : try arguments.unsigned(2)
        if case .string(let bytes) = try arguments.value(1) {
            let name = String(decoding: bytes, as: UTF8.self)
            guard let type = KeyType(name: name) else { throw APIError("there is no key type '\(name)'") }
            return Key(objectID, type, offset)
        }
        let number = try arguments.integer(1)
        guard let number = UInt8(exactly: number) else { throw APIError("key types are 0 to 255, got \(number)") }
        return Key(objectID, KeyType(number), offset)
    }

    func defineFunctions() throws {
        try defineConstructor("plugin", .plugin)
        try defineConstructor("item_type", .item)
        try defineConstructor("replay_policy", .policy)
        try defineConstructor("process", .process)
        try vm.define("treelog.api", value: .integer(APITable.version))
        for (type, name) in KeyType.names.sorted(by: { $0.key < $1.key }) {
            try vm.define("treelog.kinds.\(name)", value: .integer(Int64(type.rawValue)))
        }
        try defineText()
        try define("name_hash") { .integer(Int64(NameHash.name(try $0.bytes(0)))) }
        try define("crc32c") { arguments in
            let sum = ChecksumType.crc32c.compute(try arguments.bytes(0))
            return .integer(Int64(try sum.rawSpan.u32(at: 0)))
        }
        try define("glob") { arguments in
            let (pattern, path) = (try arguments.bytes(0).copied, try arguments.bytes(1).copied)
            guard max(pattern.count, path.count) <= 4096 else {
                throw APIError("patterns and paths have at most 4096 bytes")
            }
            return .boolean(Glob.matches(pattern, path))
        }
        try define("json") { .text(try TextFormat.json(try $0.value(0))) }
        try define("csv") { .text(try TextFormat.csv(try $0.table(0))) }
        try define("write") { [unowned self] arguments in
            for place in 0..<arguments.count {
                let text: [UInt8]
                if case .string(let bytes) = try arguments.value(place) {
                    text = bytes
                } else {
                    text = Array(try arguments.display(place).utf8)
                }
                try vm.countOutput(text.count)
                output?(text)
            }
            return .nil
        }
    }

    private func defineText() throws {
        try define("kind_name") { [unowned self] arguments in
            let number = try arguments.integer(0)
            guard let number = UInt8(exactly: number) else { throw APIError("key types are 0 to 255, got \(number)") }
            return .text(typeName(KeyType(number)))
        }
        try define("u64_string") { .text(String(try $0.unsigned(0))) }
        try define("key_string") { [unowned self] arguments in .text(text(of: try key(arguments, 0))) }
        try define("hex") { .text(EscapedBytes.hexadecimal(try $0.bytes(0).copied)) }
        try define("unhex") { arguments in
            guard let bytes = TextFormat.unhex(try arguments.bytes(0).copied) else {
                throw APIError("hexadecimal digits in pairs are needed")
            }
            return .string(bytes)
        }
    }

    /// The name of a key type, of the plugin's own too.
    func typeName(_ type: KeyType) -> String {
        definition.items.first { $0.keyType == type }?.name ?? type.description
    }

    func text(of key: Key) -> String {
        let offset = key.offset > UInt64.max - 256 && key.offset != .max
            ? String(Int64(bitPattern: key.offset)) : String(key.offset)
        return "(\(key.objectID) \(typeName(key.type)) \(offset))"
    }

    /// A key argument: a table or an item view.
    func key(_ arguments: borrowing LuaArguments, _ place: Int) throws -> Key {
        switch try arguments.value(place) {
        case .view: return try viewKey(arguments, place)
        case .table(let table):
            if let key = Key(table) { return key }
        default: break
        }
        throw APIError("argument \(place) of '\(arguments.name)' is no key: { objectid = …, kind = …, offset = … }")
    }

    /// The key of an item view.
    func viewKey(_ arguments: borrowing LuaArguments, _ place: Int) throws -> Key {
        Self.key(try arguments.viewContents(place).integers)
    }

    /// The key by the integers of an item view.
    static func key(_ integers: [4 of Int64]) -> Key {
        Key(
            ObjectID(UInt64(bitPattern: integers[0])), KeyType(UInt8(truncatingIfNeeded: integers[1])),
            UInt64(bitPattern: integers[2]))
    }

    /// Constructors only take note: what is wrong with a definition is told with everything else.
    func defineConstructor(_ name: String, _ kind: Declaration.Kind) throws {
        try define(name) { [unowned self] arguments in
            let table = try arguments.table(0)
            guard declarations.count < 1000 else { throw APIError("more than 1000 declarations") }
            let place = arguments.callPlace()
            declarations.append(Declaration(kind: kind, table: table, place: place))
            var fields: [(String, LuaValue)] = [("__treelog", .integer(Int64(declarations.count - 1)))]
            if let name = table["name"] { fields.append(("name", name)) }
            if kind == .item {
                let number = table["kind"]?.integer ?? table["kind"]?.text.flatMap { KeyType(name: $0) }.map {
                    Int64($0.rawValue)
                }
                if let number { fields.append(("kind", .integer(number))) }
                fields += methods
            }
            return .table(LuaTable(fields: fields))
        }
    }
}
