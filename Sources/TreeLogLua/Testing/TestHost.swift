internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

/// What the tests of one plugin call. Each call has the plugin loaded anew, so that tests do not depend on each other.
final class TestHost {
    private let source: PluginSource
    private let limits: LuaLimits
    private var volumes: [TestVolume] = []

    private static let volumeLimit = 64

    init(_ source: PluginSource, _ limits: LuaLimits) {
        self.source = source
        self.limits = limits
    }

    private func makePlugin(_ options: LuaTable? = nil, of owner: String = "") throws -> Plugin {
        var set = PluginSet()
        let plugin = try Plugin(source, limits: limits)
        set.add(plugin)
        for entry in options?.entries ?? [] {
            let value =
                switch entry.value {
                case .integer(let value): "\(value)"
                case .number(let value): "\(value)"
                case .boolean(let value): "\(value)"
                default: entry.value.text ?? ""
                }
            try set.set("\(owner).\(entry.key.text ?? "")=\(value)")
        }
        return plugin
    }

    /// Defines the table `treelog_test`, which the prelude takes into its hands.
    func define(in vm: LuaVM) throws {
        try defineItems(in: vm)
        try defineVolumes(in: vm)
        try vm.defineMany("treelog_test.decide") { [unowned self] arguments in
            let name = try arguments.text(0)
            let options = arguments.isNil(3) ? nil : try arguments.table(3)
            let plugin = try makePlugin(options, of: name)
            let machine = plugin.machine
            guard let number = plugin.policies.firstIndex(where: { $0.name == name }) else {
                let hint = Nearest.hint(name, among: plugin.policies.map(\.name))
                throw APIError("the plugin has no policy '\(name)'\(hint)")
            }
            let word = try arguments.text(1)
            guard let kind = ConflictKind(word: word) else {
                throw APIError("no kind of conflict '\(word)'\(Nearest.hint(word, among: APITable.conflictWords))")
            }
            let conflict = Conflict(kind, try arguments.table(2))
            let policy = machine.definition.policies[number]
            let answer = try machine.decide(
                conflict, policy: policy, options: plugin.policies[number].options, base: policy.base)
            return Self.values(answer, plugin.itemTypes.first { $0.keyType == conflict.key.type }?.fields)
        }
    }

    /// An answer as a script gave it.
    private static func values(_ answer: Resolution?, _ fields: FieldList?) -> [LuaValue] {
        guard let answer else { return [.nil] }
        switch answer {
        case .keepBoth(let name): return [.text(answer.word), .string(name)]
        case .abort(let reason): return [.text(answer.word), .text(reason)]
        case .replace(let bytes):
            guard let fields, let values = try? fields.decode(bytes.rawSpan) else {
                return [.text(answer.word), .string(bytes)]
            }
            return [.text(answer.word), .table(fields.table(of: values))]
        default: return [.text(answer.word)]
        }
    }

    // MARK: Items

    private func type(_ arguments: borrowing LuaArguments, _ place: Int, of plugin: Plugin) throws -> PluginItemType {
        let name = try arguments.text(place)
        if let type = plugin.itemTypes.first(where: { $0.name == name }) { return type }
        let hint = Nearest.hint(name, among: plugin.itemTypes.map(\.name))
        throw APIError("the plugin has no item type '\(name)'\(hint)")
    }

    /// The bytes of an item, given as bytes or as a table of its fields.
    private func bytes(_ value: LuaValue, _ type: PluginItemType) throws -> [UInt8] {
        switch value {
        case .string(let bytes): return bytes
        case .table(let table):
            guard let fields = type.fields else { break }
            return try fields.encode(try fields.values(from: table))
        default: break
        }
        throw APIError("\(type.name) needs bytes or a table of its fields, got \(value.typeName)")
    }

    /// The key at two places of the arguments; an inode that is not said is the file of the volume.
    private func key(_ arguments: borrowing LuaArguments, _ place: Int, _ type: PluginItemType) throws -> Key {
        let inode = arguments.isNil(place) ? 257 : try arguments.unsigned(place)
        let offset = arguments.isNil(place + 1) ? 0 : try arguments.unsigned(place + 1)
        return Key(ObjectID(inode), type.keyType, offset)
    }

    private func defineItems(in vm: LuaVM) throws {
        try vm.define("treelog_test.encode") { [unowned self] arguments in
            let plugin = try makePlugin()
            return .string(try bytes(try arguments.value(1), try type(arguments, 0, of: plugin)))
        }
        try vm.define("treelog_test.decode") { [unowned self] arguments in
            let plugin = try makePlugin()
            guard let fields = try type(arguments, 0, of: plugin).fields else { return try arguments.value(1) }
            return .table(fields.table(of: try fields.decode(try arguments.bytes(1))))
        }
        try vm.define("treelog_test.describe") { [unowned self] arguments in
            let plugin = try makePlugin()
            let type = try type(arguments, 0, of: plugin)
            let bytes = try bytes(try arguments.value(1), type)
            return .text(type.describe(try key(arguments, 2, type), bytes.rawSpan))
        }
        try vm.defineMany("treelog_test.validate") { [unowned self] arguments in
            let plugin = try makePlugin()
            let type = try type(arguments, 0, of: plugin)
            let bytes = try bytes(try arguments.value(1), type)
            let key = try key(arguments, 2, type)
            do throws(LogError) {
                try type.validate(key, bytes.rawSpan)
                return [.boolean(true)]
            } catch {
                guard case .format(let problem) = error.cause else { throw error }
                return [.boolean(false), .text("\(FormatError(problem.reason))")]
            }
        }
        try vm.defineMany("treelog_test.resolve") { [unowned self] arguments in
            let plugin = try makePlugin()
            let type = try type(arguments, 0, of: plugin)
            let key = try key(arguments, 3, type)
            let logged = try bytes(try arguments.value(1), type)
            let committed = try bytes(try arguments.value(2), type)
            let conflict = Conflict(
                .customItem, at: LogPlace(subvolume: .fileTree, key: key, stage: .everything), inode: key.objectID,
                logged: ConflictSide(inode: key.objectID, bytes: logged),
                committed: ConflictSide(inode: key.objectID, bytes: committed), detail: "the two differ",
                mainline: .takeLogged)
            let machine = plugin.machine
            guard let item = machine.definition.items.first(where: { $0.name == type.name }) else { return [.nil] }
            return Self.values(try machine.decide(conflict, item: item), type.fields)
        }
    }

    // MARK: Volumes

    private func volume(_ arguments: borrowing LuaArguments) throws -> TestVolume {
        let number = try arguments.integer(0)
        guard let number = Int(exactly: number), volumes.indices.contains(number) else {
            throw APIError("there is no such volume")
        }
        return volumes[number]
    }

    private func item(_ arguments: borrowing LuaArguments) throws -> TestVolume.Item {
        let plugin = try makePlugin()
        let type = try type(arguments, 1, of: plugin)
        return TestVolume.Item(key: try key(arguments, 2, type), bytes: try bytes(try arguments.value(4), type))
    }

    private func defineVolumes(in vm: LuaVM) throws {
        try vm.define("treelog_test.volume") { [unowned self] _ in
            guard volumes.count < Self.volumeLimit else {
                throw APIError("a test has \(Self.volumeLimit) volumes at most")
            }
            volumes.append(try TestVolume())
            return .integer(Int64(volumes.count - 1))
        }
        try vm.define("treelog_test.commit") { [unowned self] arguments in
            try volume(arguments).commit(try item(arguments))
            return .nil
        }
        try vm.define("treelog_test.log") { [unowned self] arguments in
            try volume(arguments).log(try item(arguments))
            return .nil
        }
        try vm.define("treelog_test.log_file") { [unowned self] arguments in
            let inode = ObjectID(try arguments.unsigned(2))
            try volume(arguments).logFile(try arguments.bytes(1).copied, inode: inode)
            return .nil
        }
        try vm.define("treelog_test.replay") { [unowned self] arguments in
            let policy = arguments.isNil(1) ? Policy.mainlineName : try arguments.text(1)
            let plugin = try makePlugin(arguments.isNil(2) ? nil : try arguments.table(2), of: policy)
            return .table(Self.table(try volume(arguments).replay(plugin, policy: policy)))
        }
        try vm.define("treelog_test.get") { [unowned self] arguments in
            let plugin = try makePlugin()
            let type = try type(arguments, 1, of: plugin)
            guard let bytes = try volume(arguments).bytes(of: try key(arguments, 2, type)) else { return .nil }
            guard let fields = type.fields else { return .string(bytes) }
            return .table(fields.table(of: try fields.decode(bytes.rawSpan)))
        }
        try vm.define("treelog_test.ls") { [unowned self] arguments in
            let path = arguments.isNil(1) ? [] : try arguments.bytes(1).copied
            guard let names = try volume(arguments).names(in: path) else { return .nil }
            return .table(LuaTable(names.map { LuaTable.Entry(.string($0.name), .objectID($0.inode)) }))
        }
        try vm.define("treelog_test.walk") { [unowned self] arguments in
            let name = try arguments.text(1)
            let plugin = try makePlugin(arguments.isNil(2) ? nil : try arguments.table(2), of: name)
            guard let process = plugin.processes.first(where: { $0.name == name }) else {
                throw APIError("the plugin has no process '\(name)'")
            }
            return .string(try volume(arguments).walk(process))
        }
    }

    private static func table(_ report: ReplayReport) -> LuaTable {
        let messages = report.extensions.flatMap(\.messages)
        func list(_ level: ExtensionReport.Message.Level) -> LuaValue {
            .table(LuaTable(list: messages.filter { $0.level == level }.map { .text($0.text) }))
        }
        return LuaTable(fields: [
            ("notes", list(.note)), ("warnings", list(.warning)), ("partial", .boolean(report.isPartial)),
        ])
    }
}

extension Conflict {
    /// A conflict as a test describes it; what it does not say is empty.
    fileprivate init(_ kind: ConflictKind, _ table: LuaTable) {
        let inode = ObjectID(UInt64(bitPattern: table["inode"]?.integer ?? 257))
        func side(_ name: String) -> ConflictSide? {
            guard let side = table[name]?.table else { return nil }
            var bytes: [UInt8] = []
            if case .string(let given) = side["bytes"] { bytes = given }
            let number = side["inode"]?.integer.map { ObjectID(UInt64(bitPattern: $0)) }
            return ConflictSide(inode: number ?? inode, bytes: bytes)
        }
        var name: [UInt8]?
        if case .string(let given) = table["name"] { name = given }
        let key = table["key"]?.table.flatMap { Key($0) } ?? Key(inode, .inodeItem, 0)
        self.init(
            kind, at: LogPlace(subvolume: .fileTree, key: key, stage: .everything), inode: inode,
            logged: side("logged"), committed: side("committed"), name: name,
            directory: name == nil ? nil : ObjectID(UInt64(bitPattern: table["directory"]?.integer ?? 256)),
            index: table["index"]?.integer.map { UInt64(bitPattern: $0) }, detail: table["reason"]?.text ?? "a test",
            mainline: .takeLogged)
    }
}
