internal import ArgumentParser
internal import FoundationEssentials
internal import LuaRuntime
internal import TreeLog
internal import TreeLogLua

/// Which plugins take part.
struct PluginOptions: ParsableArguments {
    @Option(
        name: .customLong("plugin"),
        help: ArgumentHelp(
            "Load a plugin: its folder, its .lua file, or its name in ./Plugins. Those in the folders of "
                + "$TREELOG_PLUGINS are loaded as well.",
            valueName: "path"),
        completion: .file())
    var paths: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Set an option of a policy or a process of a plugin; of a workload a parameter, as key=value.",
            valueName: "policy.key=value"))
    var settings: [String] = []

    @Flag(
        name: .customLong("verify-policy"),
        help: "Ask plugins for each decision twice, and fail where the answers differ.")
    var verify = false

    /// Where plugins are looked for by name.
    static let folder = "Plugins"

    /// Loads the plugins, and further ones: by their paths, and by policies and process functions that neither treelog
    /// nor those plugins have, but a plugin in `./Plugins` does.
    ///
    /// - Throws: `PluginFailure` with all that is wrong.
    func load(
        also others: [String] = [], offering names: [String] = [], limit: TimeLimit? = nil
    ) throws -> LoadedPlugins {
        let environment = ProcessInfo.processInfo.environment[PluginSet.environmentVariable]
        var limits = LuaLimits()
        limits.interrupter = limit?.interrupter
        do throws(PluginError) {
            var set = try PluginSet(
                paths: paths.map { Self.path(of: $0) } + others, environment: environment, limits: limits)
            for name in names where !set.offers(name) && !Self.isBuiltIn(name) {
                set.addPlugin(offering: name, from: Self.folder, limits: limits)
            }
            if verify { set.verify() }
            for setting in settings { try set.set(setting) }
            return LoadedPlugins(set: set)
        } catch {
            throw PluginFailure(error)
        }
    }

    private static func isBuiltIn(_ name: String) -> Bool {
        let registry = Registry.mainline
        return registry.policies[name] != nil || registry.processFunctions[name] != nil
    }

    /// A name that is no path may be that of a folder of `./Plugins`.
    private static func path(of name: String) -> String {
        let files = FileManager.default
        guard !name.contains("/"), !files.fileExists(atPath: name) else { return name }
        let found = "\(folder)/\(name)"
        return files.fileExists(atPath: found) ? found : name
    }
}

/// The plugins of a run of the command.
struct LoadedPlugins {
    var set: PluginSet

    /// What Linux does, and the plugins.
    func makeRegistry() throws -> Registry {
        var registry = Registry.mainline
        do { try set.register(in: &registry) } catch { throw PluginFailure(error) }
        return registry
    }
}

/// Plugins that do not load: all that is wrong, each on a line.
struct PluginFailure: Error {
    var problems: [String]

    init(problems: [String]) { self.problems = problems }
    init(_ error: PluginError) { problems = error.problems.map(\.description) }
}
