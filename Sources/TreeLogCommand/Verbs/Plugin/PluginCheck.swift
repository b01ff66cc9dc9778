internal import ArgumentParser
internal import TreeLog
internal import TreeLogLua

/// `treelog plugin check`
struct PluginCheck: Verb {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Loads plugins and says all that is wrong with them.",
        usage: "treelog plugin check [options] <path> ...",
        discussion: """
            Looks at the definitions, at what the plugin would register, and for names that a script sets or reads by \
            mistake, globals and fields of treelog, in all its files. Nothing is run but the loading. The exit code is \
            64 when something is wrong.
            """)

    @OptionGroup var paths: PluginPaths
    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        var problems: [String] = []
        var names: [String] = []
        for source in try paths.sources() {
            problems += source.misspeltNames().map(\.description)
            do throws(PluginError) {
                let plugin = try Plugin(source)
                var registry = Registry.mainline
                try plugin.register(in: &registry)
                names.append(plugin.name)
            } catch { problems += error.problems.map(\.description) }
        }
        // The same name can be told of twice: where it is read, and because loading ends there.
        problems = problems.enumerated().filter { !problems[..<$0.offset].contains($0.element) }.map(\.element)
        guard problems.isEmpty else { throw PluginFailure(problems: problems) }
        if format.json {
            JSONWriter(console, expandedDepth: 1).document("plugin-check", plugins: names)
        } else {
            for name in names { console.line("\(name): right") }
        }
        return .done
    }
}

extension JSONWriter {
    fileprivate func document(_ schema: String, plugins: [String]) {
        document(schema) { field("plugins", plugins) }
    }
}
