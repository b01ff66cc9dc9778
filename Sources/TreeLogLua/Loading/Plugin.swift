internal import BtrfsFormat
public import LuaRuntime
public import TreeLog

/// Whether decisions are asked for twice and compared.
public enum DecisionVerification: Sendable {
    /// Each decision is asked for once.
    case off
    /// A script that answers differently ends the replay. State that it keeps counts everything double.
    case twice
}

/// A plugin that was loaded and checked.
///
/// It runs in a machine of its own. Each run of a replay has a machine in which the plugin was loaded and nothing else
/// ran, so that what a script keeps never gets from one run into another.
public final class Plugin: RegistryExtension {
    /// Where it came from.
    public let source: PluginSource
    /// As `treelog.plugin` of the script says.
    public let name: String
    /// As the script says; "" where it does not.
    public let version: String
    /// What it is about; "" where the script does not say.
    public let summary: String
    /// The files that were loaded, with their SHA-256.
    public let scripts: [ExtensionReport.Script]
    /// The policies that it declares.
    public internal(set) var policies: [PluginPolicy] = []
    /// The process functions that it declares.
    public internal(set) var processes: [PluginProcess] = []
    /// Whether decisions are asked for twice.
    public var verification: DecisionVerification {
        get { present.verification }
        set { present.verification = newValue }
    }
    private let limits: LuaLimits
    private let role: ScriptRole
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
    public convenience init(_ source: PluginSource, limits: LuaLimits = LuaLimits()) throws(PluginError) {
        try self.init(source, limits, as: .plugin)
    }

    /// - Parameter role: a workload is a plugin too: of the item types that it declares.
    init(_ source: PluginSource, _ limits: LuaLimits, as role: ScriptRole) throws(PluginError) {
        self.source = source
        self.limits = limits
        self.role = role
        let machine = try PluginMachine(source, limits, as: role)
        present = PresentMachine(machine)
        let definition = machine.definition
        name = definition.workload?.name ?? definition.name
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

    /// The item types that it declares, those of the format that it overrides among them.
    public var itemTypes: [PluginItemType] {
        definition.items.enumerated().map { PluginItemType(self, $0.offset, $0.element) }
    }

    /// A new machine with the plugin in it.
    func makeMachine() throws(LogError) -> PluginMachine {
        do { return try PluginMachine(source, limits, as: role) } catch {
            throw LogError(.plugin("plugin '\(name)': \(error)"))
        }
    }

    /// The Lua machine of the plugin as it is now, for tests. It is of use as long as the plugin is there and no
    /// replay begins.
    public var vm: LuaVM { machine.vm }

    // MARK: Runs

    /// Begins with a machine in which nothing has run.
    public func beginRun() throws(LogError) {
        if !isUntouched { present.machine = try makeMachine() }
        isUntouched = false
    }

    /// The plugin, the sums of its files and what it has to say, for the report of a replay.
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
        let registration = Registration(definition, source, processes, of: self)
        var changed = registry
        let problems = registration.run(in: &changed)
        guard problems.isEmpty else { throw PluginError(problems) }
        changed.register(self)
        registry = changed
    }
}
