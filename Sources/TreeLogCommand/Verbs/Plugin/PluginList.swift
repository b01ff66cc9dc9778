internal import ArgumentParser
internal import BtrfsFormat
internal import FoundationEssentials
internal import TreeLog
internal import TreeLogLua

/// `treelog plugin list`
struct PluginList: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists plugins, and what they add.",
        usage: "treelog plugin list [options] [<path> ...]",
        discussion: "Without a path the plugins in ./Plugins and in the folders of $TREELOG_PLUGINS.")

    @Argument(
        help: ArgumentHelp("A plugin, or a folder of plugins.", valueName: "path"), completion: .file())
    var paths: [String] = []

    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        let environment = ProcessInfo.processInfo.environment[PluginSet.environmentVariable]
        let set: PluginSet
        do throws(PluginError) {
            set = paths.isEmpty
                ? try PluginSet(folders: ["Plugins"], environment: environment)
                : try PluginSet(paths: try paths.plugins(), environment: nil)
        } catch { throw PluginFailure(error) }
        if format.json {
            write(set.plugins, JSONWriter(console, expandedDepth: 3))
        } else {
            write(set.plugins, console)
        }
        return .done
    }

    private func write(_ plugins: [Plugin], _ console: Console) {
        guard !plugins.isEmpty else { return console.line("There are no plugins.") }
        for plugin in plugins {
            console.line("\(plugin.name) \(plugin.version): \(plugin.summary)")
            for type in plugin.itemTypes {
                console.line("  item \(type.name) (\(type.keyType.rawValue)): \(type.summary)")
            }
            for policy in plugin.policies {
                console.line("  policy \(policy.name) (on \(policy.base)): \(policy.summary)")
                for option in policy.options {
                    console.line("    --set \(policy.name).\(option.name)=\(option.value.text)")
                }
            }
            for process in plugin.processes {
                console.line("  process \(process.name): \(process.summary)")
                for option in process.options {
                    console.line("    --set \(process.name).\(option.name)=\(option.value.text)")
                }
            }
        }
    }

    private func write(_ plugins: [Plugin], _ json: JSONWriter) {
        json.document("plugins") {
            json.array("plugins") {
                for plugin in plugins {
                    json.object {
                        json.field("name", plugin.name)
                        json.field("version", plugin.version)
                        json.field("summary", plugin.summary)
                        json.field("path", plugin.source.path)
                        json.field("items", plugin.itemTypes.map(\.name))
                        json.field("policies", plugin.policies.map(\.name))
                        json.field("processes", plugin.processes.map(\.name))
                        json.array("scripts") {
                            for script in plugin.scripts {
                                json.object {
                                    json.field("path", script.path)
                                    json.field("sha256", script.sha256)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

extension [String] {
    /// The paths of plugins, with folders of plugins replaced by what is in them.
    fileprivate func plugins() throws(PluginError) -> [String] {
        var paths: [String] = []
        for path in self {
            let found = try PluginSource.discover(in: path)
            paths += found.isEmpty ? [path] : found.map(\.path)
        }
        return paths
    }
}

extension PluginOption.Value {
    fileprivate var text: String {
        switch self {
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): value
        }
    }
}
