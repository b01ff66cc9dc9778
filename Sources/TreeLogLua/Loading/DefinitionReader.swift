internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

/// Checks all that a plugin declared, and makes its definition.
struct DefinitionReader {
    let declarations: [Declaration]
    let problems: ProblemList

    /// - Parameter result: what `plugin.lua` returned; nil when it failed.
    /// - Returns: where it returned no plugin, all that it declared.
    func plugin(_ result: LuaValue?, file: String) -> PluginDefinition {
        var plugin = PluginDefinition()
        // Types, policies and processes that the plugin does not use are checked as well.
        var items: [Int: ItemDefinition] = [:]
        var policies: [Int: PolicyDefinition] = [:]
        var processes: [Int: ProcessDefinition] = [:]
        for (index, declaration) in declarations.enumerated() {
            switch declaration.kind {
            case .item: items[index] = item(declaration, index)
            case .policy: policies[index] = policy(declaration)
            case .process: processes[index] = process(declaration)
            case .plugin, .workload: break
            }
        }
        guard let result, let reader = self.reader(ofResult: result, .plugin, APITable.plugin, file) else {
            plugin.items = declarations.indices.compactMap { items[$0] }
            plugin.policies = declarations.indices.compactMap { policies[$0] }
            plugin.processes = declarations.indices.compactMap { processes[$0] }
            return plugin
        }
        plugin.name = reader.name()
        plugin.version = version(reader)
        plugin.summary = reader.text("summary") ?? ""
        checkVersionOfAPI(reader)
        plugin.items = members(reader, "items", .item) { items[$0] }
        plugin.policies = members(reader, "policies", .policy) { policies[$0] }
        plugin.processes = members(reader, "processes", .process) { processes[$0] }
        if plugin.items.isEmpty && plugin.policies.isEmpty && plugin.processes.isEmpty, problems.problems.isEmpty {
            reader.problem("it adds nothing: no items, policies or processes")
        }
        checkDuplicates(plugin)
        return plugin
    }

    /// What the file of a plugin or a workload returned; nil where it is something else.
    func reader(
        ofResult result: LuaValue, _ kind: Declaration.Kind, _ known: APIClass, _ file: String
    ) -> TableReader? {
        guard let index = index(of: result, kind) else {
            problems.add("it must return treelog.\(kind.rawValue) { … }", at: file)
            return nil
        }
        return reader(declarations[index], kind.rawValue, known)
    }

    private func reader(_ declaration: Declaration, _ word: String, _ known: APIClass) -> TableReader {
        let name = declaration.table["name"]?.text
        let reader = TableReader(
            table: declaration.table, subject: name.map { "\(word) \"\($0)\"" } ?? word, place: declaration.place,
            problems: problems)
        reader.checkKeys(known.keys)
        return reader
    }

    /// Which declaration a constructor's result stands for.
    private func index(of value: LuaValue, _ kind: Declaration.Kind) -> Int? {
        guard let mark = value.table?["__treelog"]?.integer, let index = Int(exactly: mark),
            declarations.indices.contains(index), declarations[index].kind == kind
        else { return nil }
        return index
    }

    private func members<Definition>(
        _ reader: TableReader, _ key: String, _ kind: Declaration.Kind, _ definition: (Int) -> Definition?
    ) -> [Definition] {
        (reader.list(key) ?? []).enumerated().compactMap { place, value in
            guard let index = index(of: value, kind) else {
                reader.problem("\(key): entry \(place + 1) is no treelog.\(kind.rawValue) { … }")
                return nil
            }
            return definition(index)
        }
    }

    // MARK: The plugin

    private func version(_ reader: TableReader) -> String {
        let version = reader.requiredText("version")
        let parts = version.split(separator: ".", omittingEmptySubsequences: false)
        if reader.table["version"]?.text != nil, parts.count != 3 || !parts.allSatisfy({ UInt32($0) != nil }) {
            reader.problem("version must be three numbers like 1.0.0, got \"\(version)\"")
        }
        return version
    }

    private func checkVersionOfAPI(_ reader: TableReader) {
        guard reader.table["api"] != nil else {
            return reader.problem("api is missing; this treelog has api = \(APITable.version)")
        }
        guard let version = reader.integer("api") else { return }
        if version > APITable.version {
            reader.problem("it is written for api \(version), and this treelog has \(APITable.version)")
        } else if version < 1 {
            reader.problem("there is no api \(version); this treelog has \(APITable.version)")
        }
    }

    private func checkDuplicates(_ plugin: PluginDefinition) {
        var names: Set<String> = []
        var types: [KeyType: String] = [:]
        for item in plugin.items {
            if !names.insert(item.name).inserted {
                problems.add("item \"\(item.name)\": the name is taken by another item type", at: item.place)
            } else if let other = types.updateValue(item.name, forKey: item.keyType) {
                problems.add(
                    "item \"\(item.name)\": kind \(item.keyType.rawValue) is taken by item \"\(other)\"",
                    at: item.place)
            }
        }
        var policies: Set<String> = []
        for policy in plugin.policies where !policies.insert(policy.name).inserted {
            problems.add("policy \"\(policy.name)\": the name is taken by another policy", at: policy.place)
        }
        var processes: Set<String> = []
        for process in plugin.processes where !processes.insert(process.name).inserted {
            problems.add("process \"\(process.name)\": the name is taken by another process", at: process.place)
        }
    }

    // MARK: Item types

    func item(_ declaration: Declaration, _ index: Int) -> ItemDefinition {
        let reader = reader(declaration, "item", APITable.itemType)
        var item = ItemDefinition(declaration: index, place: declaration.place)
        item.name = itemName(reader)
        item.doc = reader.text("doc") ?? ""
        item.isOverride = reader.boolean("override") ?? false
        if let value = reader.table["kind"] {
            if let type = reader.keyType(value, "kind") {
                item.keyType = type
                checkKind(type, item, reader)
            }
        } else {
            reader.problem("kind is missing")
        }
        if let stage = reader.word("stage", APITable.stageWords) {
            item.stage = ReplayStage(word: stage) ?? .everything
            item.hasStage = true
        }
        if let rule = reader.word("logged", APITable.loggedWords).flatMap(LoggingRule.init) { item.logging = rule }
        if let list = reader.list("fields") {
            item.fields = FieldReader(
                subject: reader.subject, place: reader.place, problems: problems, reserved: APITable.item.keys
            ).list(list)
        }
        item.describe = reader.function("describe")
        item.validate = reader.function("validate")
        item.replay = reader.function("replay")
        item.resolve = reader.function("resolve")
        return item
    }

    private func itemName(_ reader: TableReader) -> String {
        let name = reader.requiredText("name")
        let isRight = name.utf8.first.map { $0 >= 65 && $0 <= 90 } == true && name.utf8.count <= 64
            && name.utf8.allSatisfy { ($0 >= 65 && $0 <= 90) || ($0 >= 48 && $0 <= 57) || $0 == 95 }
        if !isRight, reader.table["name"]?.text != nil {
            reader.problem("name must be upper case letters, digits and _, and begin with a letter")
        }
        return name
    }

    private func checkKind(_ type: KeyType, _ item: ItemDefinition, _ reader: TableReader) {
        guard TreeLog.ItemType.isCustom(type) else {
            if !item.isOverride {
                reader.problem(
                    "kind \(type.rawValue) (\(type)) is not for plugins; take one of 25 to 35 or 97 to 107, "
                        + "or say override = true to wrap a built-in type")
            }
            return
        }
        guard let isOptional = reader.boolean("optional") else { return }
        let isOptionalKind = TreeLog.ItemType.customOptional.contains(type.rawValue)
        if isOptional != isOptionalKind {
            reader.problem(
                "kinds 25 to 35 are mandatory and 97 to 107 optional; this is \(type.rawValue) with optional = "
                    + "\(isOptional)")
        }
    }

    // MARK: Policies and processes

    private func policy(_ declaration: Declaration) -> PolicyDefinition {
        let reader = reader(declaration, "policy", APITable.policy)
        var policy = PolicyDefinition(place: declaration.place)
        policy.name = reader.name()
        policy.doc = reader.text("doc") ?? ""
        policy.base = reader.text("base") ?? "mainline"
        policy.isOverride = reader.boolean("override") ?? false
        policy.options = reader.options()
        policy.begin = reader.function("begin")
        policy.filter = reader.function("filter")
        policy.filterKinds = reader.keyTypes("filter_kinds")
        if policy.filterKinds != nil, reader.table["filter"] == nil { reader.problem("filter_kinds without a filter") }
        for entry in reader.table("resolve")?.entries ?? [] {
            let word = entry.key.text ?? "a \(entry.key.typeName)"
            guard let kind = ConflictKind(word: word) else {
                let hint = Nearest.hint(word, among: APITable.conflictWords, quote: "\"")
                reader.problem("resolve: unknown kind of conflict \"\(word)\"\(hint)")
                continue
            }
            guard let function = entry.value.function else {
                reader.problem("resolve: \(word) must be a function, got \(entry.value.typeName)")
                continue
            }
            policy.resolvers[kind] = function
        }
        return policy
    }

    private func process(_ declaration: Declaration) -> ProcessDefinition {
        let reader = reader(declaration, "process", APITable.process)
        var process = ProcessDefinition(place: declaration.place)
        process.name = reader.name()
        process.doc = reader.text("doc") ?? ""
        process.options = reader.options()
        process.begin = reader.function("begin")
        process.block = reader.function("block")
        process.item = reader.function("item")
        process.kinds = reader.keyTypes("kinds")
        process.finish = reader.function("finish")
        if reader.table["block"] == nil, reader.table["item"] == nil {
            reader.problem("it needs a function block or item")
        }
        return process
    }
}

extension ReplayStage {
    /// The stage by the word of the API.
    init?(word: String) {
        switch word {
        case "all": self = .everything
        case "inodes": self = .inodes
        case "directory_index": self = .directoryIndex
        default: return nil
        }
    }

    var word: String {
        switch self {
        case .pin: "pin"
        case .inodes: "inodes"
        case .directoryIndex: "directory_index"
        case .everything: "all"
        case .linkCounts: "link_counts"
        }
    }
}

extension ConflictKind {
    init?(word: String) {
        guard let index = APITable.conflictWords.firstIndex(of: word) else { return nil }
        self.init(rawValue: index)
    }

    var word: String { APITable.conflictWords[rawValue] }
}
