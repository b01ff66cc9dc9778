internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

/// Puts what a plugin defines into a registry.
struct Registration {
    private let definition: PluginDefinition
    private let source: PluginSource
    private let processes: [PluginProcess]
    /// Nil where the definitions have problems, and the registry is there only to find out what it has against them.
    private let plugin: Plugin?

    init(
        _ definition: PluginDefinition, _ source: PluginSource, _ processes: [PluginProcess], of plugin: Plugin?
    ) {
        self.definition = definition
        self.source = source
        self.processes = processes
        self.plugin = plugin
    }

    /// What cannot be registered of definitions that have problems of their own, so that all are told at once.
    static func problems(of definition: PluginDefinition, _ source: PluginSource) -> [PluginProblem] {
        var definition = definition
        definition.items.removeAll { $0.name.isEmpty || !$0.isOverride && !TreeLog.ItemType.isCustom($0.keyType) }
        definition.policies.removeAll { $0.name.isEmpty }
        let processes = definition.processes.enumerated().map { PluginProcess(source, LuaLimits(), $0, $1) }
        var registry = Registry.mainline
        return Registration(definition, source, processes.filter { !$0.name.isEmpty }, of: nil).run(in: &registry)
    }

    /// - Returns: what cannot be registered; the registry is of no use then.
    func run(in registry: inout Registry) -> [PluginProblem] {
        var problems: [PluginProblem] = []
        func attempt(_ what: String, _ place: String, _ body: () throws -> Void) {
            do { try body() } catch { problems.append(PluginProblem("\(what): \(error)", at: source.place(place))) }
        }
        for (number, item) in definition.items.enumerated() {
            attempt("item \"\(item.name)\"", item.place) { try register(item, number, in: &registry) }
        }
        // A policy may build on another one of the same plugin.
        for number in basesFirst {
            let policy = definition.policies[number]
            attempt("policy \"\(policy.name)\"", policy.place) { try register(policy, number, in: &registry) }
        }
        for process in processes {
            attempt("process \"\(process.name)\"", process.place) {
                try registry.register(process, as: process.name)
            }
        }
        return problems
    }

    private func register(_ item: ItemDefinition, _ number: Int, in registry: inout Registry) throws {
        let present = registry.itemTypes[item.keyType]
        if item.isOverride, present == nil {
            throw APIError("override = true, and no type is registered for kind \(item.keyType.rawValue)")
        }
        let native = (item.isOverride ? present?.handler : nil) ?? CustomItemHandler(stage: item.stage)
        let isBuiltIn = !TreeLog.ItemType.isCustom(item.keyType)
        if isBuiltIn, present?.handler == nil, item.replay != nil || item.validate != nil {
            throw APIError("\(item.keyType) is not replayed by itself, so it can have no replay or validate")
        }
        let stage = item.isOverride && !item.hasStage ? native.stage : item.stage
        var handler = native
        if let plugin, item.replay != nil || item.validate != nil {
            handler = LuaHandler(
                plugin: plugin, number: number, stage: stage, native: native,
                name: "\(item.name) of plugin \(plugin.name)")
        }
        var type = TreeLog.ItemType(
            name: item.isOverride ? present?.name ?? item.name : item.name, keyType: item.keyType,
            summary: item.doc.isEmpty ? present?.summary ?? "" : item.doc,
            requirement: present?.requirement
                ?? (TreeLog.ItemType.customMandatory.contains(item.keyType.rawValue) ? .mandatory : .optional),
            layout: item.fields?.layout(named: item.name) ?? present?.layout,
            handler: isBuiltIn && present?.handler == nil ? nil : handler,
            describer: present?.describer, validator: present?.validator, resolver: present?.resolver)
        if let fields = item.fields { type.validator = FieldsValidator(fields: fields) }
        type.logging = item.logging.rule
        if let plugin {
            if item.describe != nil || item.fields != nil {
                type.describer = LuaDescriber(plugin: plugin, number: number)
            }
            if item.resolve != nil { type.resolver = LuaItemResolver(plugin: plugin, number: number) }
        }
        try registry.itemTypes.register(type, item.isOverride ? .override : .refuseDuplicates)
    }

    private func register(_ policy: PolicyDefinition, _ number: Int, in registry: inout Registry) throws {
        if let circle = circle(from: policy) { throw APIError("its bases form a circle: \(circle)") }
        guard registry.policies[policy.base] != nil else {
            if ownBase(of: policy) != nil { return }  // which has a problem of its own
            let hint = Nearest.hint(policy.base, among: Array(registry.policies.keys), quote: "\"")
            throw APIError("there is no policy \"\(policy.base)\" to build on\(hint)")
        }
        var result = Policy(name: policy.name, summary: policy.doc, base: policy.base, resolvers: [:])
        if let plugin {
            for kind in policy.resolvers.keys {
                let base = Self.inherited(from: policy.base, in: registry) { $0.resolvers[kind] }
                result.resolvers[kind] = LuaPolicyResolver(plugin: plugin, number: number, base: base)
            }
            if policy.filter != nil { result.filter = LuaFilter(plugin, number, policy.filterKinds) }
        }
        try registry.register(result, policy.isOverride ? .override : .refuseDuplicates)
    }

    /// What the nearest of a policy and its bases has.
    private static func inherited<Part>(
        from name: String, in registry: Registry, _ part: (Policy) -> Part?
    ) -> Part? {
        var next: String? = name
        var seen: Set<String> = []
        while let name = next, seen.insert(name).inserted, let policy = registry.policies[name] {
            if let part = part(policy) { return part }
            next = policy.base
        }
        return nil
    }

    /// The base of a policy, where it is one of the same plugin. One that overrides a policy builds on that.
    private func ownBase(of policy: PolicyDefinition) -> PolicyDefinition? {
        if policy.base == policy.name, policy.isOverride { return nil }
        return definition.policies.first { $0.name == policy.base }
    }

    /// The names from a policy back to itself, where its bases lead there.
    private func circle(from policy: PolicyDefinition) -> String? {
        var names = [policy.name]
        var next = ownBase(of: policy)
        while let base = next, names.count <= definition.policies.count {
            names.append(base.name)
            if base.name == policy.name { return names.joined(separator: ", ") }
            next = ownBase(of: base)
        }
        return nil
    }

    /// The numbers of policies, each after the one that it builds on. Of those in a circle the order does not matter.
    private var basesFirst: [Int] {
        let depths = definition.policies.map { policy in
            var depth = 0
            var next = ownBase(of: policy)
            while let base = next, depth <= definition.policies.count {
                depth += 1
                next = ownBase(of: base)
            }
            return depth
        }
        return depths.indices.sorted { (depths[$0], $0) < (depths[$1], $1) }
    }
}
