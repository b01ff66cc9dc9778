internal import BtrfsFormat
public import LuaRuntime
public import TreeLog

/// Whether decisions are asked for twice and compared.
public enum DecisionVerification: Sendable {
    case off
    /// A script that answers differently ends the replay. State that it keeps counts everything double.
    case twice
}

/// A plugin that was loaded and checked.
///
/// It runs in a machine of its own. Each run of a replay has a machine in which the plugin was loaded and nothing else
/// ran, so that what a script keeps never gets from one run into another.
public final class Plugin: RegistryExtension {
    public let source: PluginSource
    public let name: String
    public let version: String
    public let summary: String
    /// The files that were loaded, with their SHA-256.
    public let scripts: [ExtensionReport.Script]
    public internal(set) var policies: [PluginPolicy] = []
    public internal(set) var processes: [PluginProcess] = []
    public var verification: DecisionVerification {
        get { present.verification }
        set { present.verification = newValue }
    }
    private let limits: LuaLimits
    let present: PresentMachine
    /// Whether nothing ran in the machine since the plugin was loaded.
    private var isUntouched = true
    private var definition: PluginDefinition { present.machine.definition }
    /// Of the present run, to call its functions.
    var machine: PluginMachine {
        isUntouched = false
        return present.machine
    }

    /// - Throws: `PluginError` with all that is wrong with the plugin.
    public init(_ source: PluginSource, limits: LuaLimits = LuaLimits()) throws(PluginError) {
        self.source = source
        self.limits = limits
        let machine = try PluginMachine(source, limits)
        present = PresentMachine(machine)
        let definition = machine.definition
        name = definition.name
        version = definition.version
        summary = definition.summary
        scripts = machine.scripts.map { path in
            let text = source.files[path] ?? []
            let sum = ChecksumType.sha256.compute(text.rawSpan)
            return ExtensionReport.Script(path: path, sha256: EscapedBytes.hexadecimal(Array(sum.prefix(32))))
        }
        policies = definition.policies.map { PluginPolicy($0) }
        processes = definition.processes.enumerated().map { PluginProcess(source, limits, $0.offset, $0.element) }
    }

    public var itemTypes: [PluginItemType] {
        definition.items.enumerated().map { PluginItemType(self, $0.offset, $0.element) }
    }

    /// A new machine with the plugin in it.
    func makeMachine() throws(LogError) -> PluginMachine {
        do { return try PluginMachine(source, limits) } catch { throw LogError(.plugin("plugin '\(name)': \(error)")) }
    }

    /// The Lua machine of the plugin as it is now, for tests. It is of use as long as the plugin is there and no
    /// replay begins.
    public var vm: LuaVM { machine.vm }

    // MARK: Runs

    public func beginRun() throws(LogError) {
        if !isUntouched { present.machine = try makeMachine() }
        isUntouched = false
    }

    public func makeReport() -> ExtensionReport {
        ExtensionReport(name: name, version: version, scripts: scripts, messages: present.machine.messages)
    }

    /// Asks for a decision, or two that have to be the same.
    func decide(
        _ body: (PluginMachine) throws(LogError) -> Resolution?
    ) throws(LogError) -> Resolution? {
        let answer = try body(machine)
        guard verification == .twice else { return answer }
        let second = try body(machine)
        guard answer == second else {
            func text(_ answer: Resolution?) -> String { answer.map { "\($0)" } ?? "nothing" }
            throw LogError(
                .plugin(
                    "plugin '\(name)' answered one conflict twice and differently: \(text(answer)), then "
                        + text(second)))
        }
        return answer
    }

    // MARK: Registration

    /// Adds everything to a registry, or nothing.
    ///
    /// - Throws: `PluginError` with all that cannot be registered.
    public func register(in registry: inout Registry) throws(PluginError) {
        var changed = registry
        var problems: [PluginProblem] = []
        for (number, item) in definition.items.enumerated() {
            do { try register(item, number, in: &changed) } catch {
                problems.append(PluginProblem("item \"\(item.name)\": \(error)", at: source.place(item.place)))
            }
        }
        // A policy may build on another one of the same plugin.
        for number in Self.basesFirst(definition.policies) {
            let policy = definition.policies[number]
            do { try register(policy, number, in: &changed) } catch {
                problems.append(PluginProblem("policy \"\(policy.name)\": \(error)", at: source.place(policy.place)))
            }
        }
        for process in processes {
            do { try changed.register(process, as: process.name) } catch {
                problems.append(
                    PluginProblem("process \"\(process.name)\": \(error)", at: source.place(process.place)))
            }
        }
        guard problems.isEmpty else { throw PluginError(problems) }
        changed.register(self)
        registry = changed
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
        let handler: any ReplayHandler =
            item.replay != nil || item.validate != nil
            ? LuaHandler(
                plugin: self, number: number, stage: stage, native: native, name: "\(item.name) of plugin \(name)")
            : native
        var type = TreeLog.ItemType(
            name: item.isOverride ? present?.name ?? item.name : item.name, keyType: item.keyType,
            summary: item.doc.isEmpty ? present?.summary ?? "" : item.doc,
            requirement: present?.requirement
                ?? (TreeLog.ItemType.customMandatory.contains(item.keyType.rawValue) ? .mandatory : .optional),
            layout: item.fields?.layout(named: item.name) ?? present?.layout,
            handler: isBuiltIn && present?.handler == nil ? nil : handler,
            describer: present?.describer, validator: present?.validator, resolver: present?.resolver)
        if item.describe != nil || item.fields != nil { type.describer = LuaDescriber(plugin: self, number: number) }
        if let fields = item.fields { type.validator = FieldsValidator(fields: fields) }
        type.logging = item.logging.rule
        if item.resolve != nil { type.resolver = LuaItemResolver(plugin: self, number: number) }
        try registry.itemTypes.register(type, item.isOverride ? .override : .refuseDuplicates)
    }

    private func register(_ policy: PolicyDefinition, _ number: Int, in registry: inout Registry) throws {
        guard registry.policies[policy.base] != nil, policy.base != policy.name || policy.isOverride else {
            let hint = Nearest.hint(policy.base, among: Array(registry.policies.keys), quote: "\"")
            throw APIError("there is no policy \"\(policy.base)\" to build on\(hint)")
        }
        var resolvers: [ConflictKind: any ConflictResolver] = [:]
        for kind in policy.resolvers.keys {
            let base = Self.inherited(from: policy.base, in: registry) { $0.resolvers[kind] }
            resolvers[kind] = LuaPolicyResolver(plugin: self, number: number, base: base)
        }
        var result = Policy(name: policy.name, summary: policy.doc, base: policy.base, resolvers: resolvers)
        if policy.filter != nil {
            result.filter = LuaFilter(self, number, policy.filterKinds)
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

    /// The numbers of policies, each after the one that it builds on.
    private static func basesFirst(_ policies: [PolicyDefinition]) -> [Int] {
        var order: [Int] = []
        var isPlaced = [Bool](repeating: false, count: policies.count)
        for _ in policies.indices {
            for (number, policy) in policies.enumerated() where !isPlaced[number] {
                let base = policies.firstIndex { $0.name == policy.base && $0.name != policy.name }
                if let base, !isPlaced[base] { continue }
                isPlaced[number] = true
                order.append(number)
            }
        }
        // Those that build on each other in a circle fail when they are registered.
        return order + policies.indices.filter { !isPlaced[$0] }
    }
}
