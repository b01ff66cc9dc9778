internal import ArgumentParser
internal import TreeLogLua

/// `treelog plugin test`
struct PluginTest: Verb {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Runs the tests of plugins.",
        usage: "treelog plugin test [options] <path> ...",
        discussion: """
            The tests of a plugin are the functions of the table that its test.lua returns. They decide conflicts, \
            check items and replay logs, all in memory. The exit code is 1 when one fails.
            """)

    @OptionGroup var paths: PluginPaths

    @Option(help: ArgumentHelp("Only tests whose name has this in it.", valueName: "text"))
    var filter: String?

    @OptionGroup var format: OutputOptions

    func perform(_ console: Console) throws -> Outcome {
        var results: [(plugin: String, result: PluginTester.Result)] = []
        let clock = ContinuousClock()
        let start = clock.now
        for source in try paths.sources() {
            let tester: PluginTester
            do { tester = try PluginTester(source) } catch { throw PluginFailure(error) }
            if !format.json { console.line(source.path) }
            for name in tester.names where filter.map({ name.contains($0) }) ?? true {
                let result = tester.run(name)
                results.append((source.path, result))
                guard !format.json else { continue }
                console.line("  \(result.failure == nil ? "ok  " : "FAIL")  \(name)")
                for line in (result.failure ?? "").split(separator: "\n") { console.line("          \(line)") }
            }
        }
        let failed = results.count { $0.result.failure != nil }
        if format.json {
            write(results, JSONWriter(console, expandedDepth: 2))
        } else {
            let duration = clock.now - start
            let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
            let time = Double(Int(seconds * 1000)) / 1000
            console.line("\(results.count - failed) passed, \(failed) failed, in \(time) s")
        }
        if failed > 0 { throw ExitCode.failure }
        return .done
    }

    private func write(_ results: [(plugin: String, result: PluginTester.Result)], _ json: JSONWriter) {
        json.document("plugin-test") {
            json.array("tests") {
                for (plugin, result) in results {
                    json.object {
                        json.field("plugin", plugin)
                        json.field("name", result.name)
                        json.field("passed", result.failure == nil)
                        json.field("failure", result.failure)
                    }
                }
            }
        }
    }
}
