internal import ArgumentParser
internal import FoundationEssentials
internal import TreeLog
internal import TreeLogLua

/// Which plugins take part.
struct PluginOptions: ParsableArguments {
    @Option(
        name: .customLong("plugin"),
        help: ArgumentHelp(
            "Load a plugin: its folder or its .lua file. Those in the folders of $TREELOG_PLUGINS are loaded as well.",
            valueName: "path"),
        completion: .file())
    var paths: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Set an option of a policy or a process of a plugin.", valueName: "policy.key=value"))
    var settings: [String] = []

    /// Loads the plugins, and further ones.
    ///
    /// - Throws: `PluginFailure` with all that is wrong.
    func load(also others: [String] = []) throws -> LoadedPlugins {
        let environment = ProcessInfo.processInfo.environment[PluginSet.environmentVariable]
        do throws(PluginError) {
            let set = try PluginSet(paths: paths + others, environment: environment)
            for setting in settings { try set.set(setting) }
            return LoadedPlugins(set: set)
        } catch {
            throw PluginFailure(error)
        }
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
