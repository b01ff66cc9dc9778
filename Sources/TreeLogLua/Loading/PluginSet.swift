public import LuaRuntime
public import TreeLog

/// The plugins of a command: loaded, set and registered together.
public struct PluginSet {
    /// The environment variable that names folders of plugins, separated by colons.
    public static let environmentVariable = "TREELOG_PLUGINS"

    /// The plugins, in the order in which they were loaded.
    public private(set) var plugins: [Plugin] = []

    /// No plugins.
    public init() {}

    /// Loads plugins, each once.
    ///
    /// - Parameters:
    ///   - paths: plugins by name: folders with a `plugin.lua`, or single files.
    ///   - folders: folders of plugins, such as `Plugins`; one that does not exist has none.
    ///   - environment: the value of `TREELOG_PLUGINS`.
    /// - Throws: `PluginError` with the problems of all of them.
    public init(
        paths: [String] = [], folders: [String] = [], environment: String? = nil, limits: LuaLimits = LuaLimits()
    ) throws(PluginError) {
        var problems: [PluginProblem] = []
        var sources: [PluginSource] = []
        for path in paths {
            do { sources.append(try PluginSource(at: path)) } catch { problems += error.problems }
        }
        let listed = (environment ?? "").split(separator: ":").map(String.init)
        for folder in folders + listed {
            do { sources += try PluginSource.discover(in: folder) } catch { problems += error.problems }
        }
        var seen: Set<String> = []
        var names: [String: String] = [:]
        for source in sources where seen.insert(source.path).inserted {
            do {
                let plugin = try Plugin(source, limits: limits)
                if let other = names[plugin.name] {
                    problems.append(
                        PluginProblem("the plugin \"\(plugin.name)\" is loaded from \(other) already", at: source.path))
                    continue
                }
                names[plugin.name] = source.path
                plugins.append(plugin)
            } catch { problems += error.problems }
        }
        guard problems.isEmpty else {
            // What the registry has against those that did load is told along.
            var registry = Registry.mainline
            do { try register(in: &registry) } catch { problems += error.problems }
            throw PluginError(problems)
        }
    }

    /// Adds a plugin that was loaded by itself.
    public mutating func add(_ plugin: Plugin) { plugins.append(plugin) }

    /// Sets an option: `POLICY.KEY=VALUE`, where POLICY is the name of a policy or a process.
    ///
    /// - Throws: `PluginError` when there is none of that name, or the value is of another type than the default.
    public func set(_ assignment: String) throws(PluginError) {
        let sides = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let path = sides[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, path.count == 2 else {
            throw PluginError("'\(assignment)' is not POLICY.KEY=VALUE")
        }
        let (owner, key, value) = (String(path[0]), String(path[1]), String(sides[1]))
        for plugin in plugins {
            if let number = plugin.policies.firstIndex(where: { $0.name == owner }) {
                return try Self.set(key, value, owner, &plugin.policies[number].options)
            }
            if let process = plugin.processes.first(where: { $0.name == owner }) {
                return try Self.set(key, value, owner, &process.options)
            }
        }
        let names = plugins.flatMap { $0.policies.map(\.name) + $0.processes.map(\.name) }
        throw PluginError("no plugin has a policy or process '\(owner)'\(Nearest.hint(owner, among: names))")
    }

    static func set(
        _ key: String, _ value: String, _ owner: String, _ options: inout [PluginOption]
    ) throws(PluginError) {
        guard let index = options.firstIndex(where: { $0.name == key }) else {
            let hint = Nearest.hint(key, among: options.map(\.name))
            throw PluginError("'\(owner)' has no option '\(key)'\(hint)")
        }
        guard let parsed = options[index].value.parsed(value) else {
            throw PluginError("'\(owner).\(key)' must be \(options[index].value.typeName), got '\(value)'")
        }
        options[index].value = parsed
    }

    /// Has every decision of every plugin asked for twice.
    public func verify() {
        for plugin in plugins { plugin.verification = .twice }
    }

    /// Adds all plugins to a registry, or none.
    ///
    /// - Throws: `PluginError` with all that cannot be registered, such as names that are taken.
    public func register(in registry: inout Registry) throws(PluginError) {
        var changed = registry
        var problems: [PluginProblem] = []
        for plugin in plugins {
            do { try plugin.register(in: &changed) } catch { problems += error.problems }
        }
        guard problems.isEmpty else { throw PluginError(problems) }
        registry = changed
    }

    /// Whether a plugin here has a policy or a process function of this name.
    public func offers(_ name: String) -> Bool {
        plugins.contains { plugin in
            plugin.policies.contains { $0.name == name } || plugin.processes.contains { $0.name == name }
        }
    }

    /// Adds the first plugin of a folder of plugins that has a policy or a process function of this name. Those that
    /// do not load are passed over: nobody asked for them.
    public mutating func addPlugin(offering name: String, from folder: String, limits: LuaLimits = LuaLimits()) {
        for source in (try? PluginSource.discover(in: folder)) ?? [] {
            guard let plugin = try? Plugin(source, limits: limits), !plugins.contains(where: { $0.name == plugin.name })
            else { continue }
            let set = PluginSet(plugins: [plugin])
            if set.offers(name) { return plugins.append(plugin) }
        }
    }

    private init(plugins: [Plugin]) { self.plugins = plugins }

    /// The process function of this name.
    public func process(named name: String) -> PluginProcess? {
        plugins.lazy.flatMap(\.processes).first { $0.name == name }
    }

    /// The item type for a key type, or of a name.
    public func itemType(named name: String) -> PluginItemType? {
        plugins.lazy.flatMap(\.itemTypes).first { $0.name == name }
    }
}
