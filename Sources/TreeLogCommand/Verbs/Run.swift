internal import ArgumentParser
internal import BlockDevices
internal import BtrfsVolume
internal import FoundationEssentials
internal import TreeLog
internal import TreeLogLua

/// `treelog run`
struct Run: Verb {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs workloads in Lua and checks what crashes leave of them.",
        usage: "treelog run [options] <workload> ...",
        discussion: """
            A workload changes a new volume in memory. What it writes is recorded; then the power goes, after each \
            fsync, at each mark and at the end. Each time what was not flushed is lost, the log is replayed, and the \
            workload checks what is there. The exit code is 4 when it finds something else than it expects, and 1 \
            when it fails itself.

            EXAMPLES
              treelog run Scripts/workloads/*.lua
              treelog run --trace Scripts/workloads/generic_034.lua
              treelog run --set files=100 --seed 7 my.lua
              treelog run --crash-at done --image crashed.img my.lua
            """)

    @Argument(help: ArgumentHelp("The file of a workload.", valueName: "workload"), completion: .file())
    var workloads: [String]

    @Option(help: ArgumentHelp("Begin the random numbers here.", valueName: "number"))
    var seed: UInt64 = 0

    @Flag(help: "Print each operation, and what each fsync did.")
    var trace = false

    @Option(
        help: ArgumentHelp("Begin with a volume that is there; it is not changed.", valueName: "image"),
        completion: .file())
    var from: String?

    @Option(
        help: ArgumentHelp(
            "Keep the volume as the crash leaves it, log and all, in a new file.", valueName: "file"),
        completion: .file())
    var image: String?

    @Option(help: ArgumentHelp("The only crash: at a mark, or after so many operations.", valueName: "number|mark"))
    var crashAt: String?

    @OptionGroup var plugins: PluginOptions
    @OptionGroup var format: OutputOptions

    func validate() throws {
        if image != nil, workloads.count > 1 { throw ValidationError("--image is for one workload") }
    }

    /// Whether a setting is one of a plugin: `policy.key=value`.
    private static func isOfPlugin(_ setting: String) -> Bool { setting.prefix { $0 != "=" }.contains(".") }

    func perform(_ console: Console) throws -> Outcome {
        var plugins = self.plugins
        plugins.settings = self.plugins.settings.filter(Self.isOfPlugin)
        let settings = self.plugins.settings.filter { !Self.isOfPlugin($0) }
        let registry = try plugins.load().makeRegistry()
        let printer = RunPrinter(console, json: format.json, trace: trace)
        if let image, FileManager.default.fileExists(atPath: image) {
            throw Failure("\(image) exists already", nextStep: Failure.existingFileAdvice)
        }
        // All are read before the first one runs, so that a mistake in the last shows at once.
        let scripts = try workloads.map { path in
            do throws(PluginError) {
                return try Workload(try PluginSource(at: path), settings: settings, seed: seed)
            } catch { throw PluginFailure(error) }
        }
        try printer.document { for script in scripts { try run(script, registry, printer) } }
        if printer.failedCount > 0 { throw ExitCode.failure }
        return printer.unexpectedCount > 0 ? .findings : .done
    }

    private func run(_ workload: Workload, _ registry: Registry, _ printer: RunPrinter) throws {
        var options = MountOptions()
        options.registry = registry
        let device: any BlockDevice =
            if let from { try FileDevice(path: from, access: .readOnly) } else {
                try workload.volume.makeDevice(seed: seed)
            }
        workload.observer = { printer.step($0) }
        printer.begin(workload)
        defer { printer.end(workload) }
        let plan: WorkloadPlan
        do throws(WorkloadFailure) { plan = try workload.plan(on: device, options) } catch {
            return printer.failed(error)
        }
        let crashes = try self.crashes(of: plan)
        printer.ran(plan)
        for crash in crashes {
            var failure: WorkloadFailure?
            do throws(WorkloadFailure) { try workload.judge(crash, of: plan, options) } catch { failure = error }
            printer.judged(crash, failure, hasCheck: workload.hasCheck)
        }
        if let image, let last = crashes.last {
            try FileDevice.create(at: image, contentOf: try workload.device(after: last, of: plan))
        }
    }

    private func crashes(of plan: WorkloadPlan) throws -> [WorkloadCrash] {
        guard let crashAt else { return plan.usualCrashes }
        if let crash = plan.crash(atMark: crashAt) { return [crash] }
        if let number = Int(crashAt) {
            if let crash = plan.crash(afterOperation: number) { return [crash] }
            throw ValidationError("--crash-at: there are \(plan.steps.count) operations, not \(number)")
        }
        let marks = plan.steps.compactMap(\.mark)
        throw ValidationError("--crash-at: \(unknownText("mark", crashAt, known: marks))")
    }
}
