internal import ArgumentParser
internal import TreeLogLua

/// `treelog plugin`
struct PluginVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Tools for authors of plugins.",
        discussion: """
            EXAMPLES
              treelog plugin new my-policy
              treelog plugin check my-policy
              treelog plugin test my-policy
              treelog plugin list
            """,
        subcommands: [PluginList.self, PluginCheck.self, PluginTest.self, PluginNew.self, PluginStubs.self])
}

/// Plugins by their paths.
struct PluginPaths: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The folder of a plugin, a .lua file, or a folder of plugins.", valueName: "path"),
        completion: .file())
    var paths: [String]

    /// The text of all plugins.
    func sources() throws -> [PluginSource] {
        do throws(PluginError) {
            var sources: [PluginSource] = []
            for path in paths {
                let found = try PluginSource.discover(in: path)
                sources += found.isEmpty ? [try PluginSource(at: path)] : found
            }
            return sources
        } catch {
            throw PluginFailure(error)
        }
    }
}
