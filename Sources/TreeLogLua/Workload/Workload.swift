public import BlockDevices
internal import BtrfsVolume
public import LuaRuntime
public import TreeLog

/// A workload in Lua: what is done to a volume, and what has to hold after a crash.
///
/// `plan` runs it once and records what it does to the device; `judge` gives its `check` the volume as a crash would
/// leave it, with the log replayed. Both use one machine, so what `run` keeps in local variables `check` can see.
public final class Workload {
    /// What a workload may use: more than a plugin, which is called for each item.
    public static var usualLimits: LuaLimits {
        var limits = LuaLimits()
        limits.memoryBytes = 256 << 20
        limits.stringBytes = 16 << 20
        limits.instructionsPerCall = 2_000_000_000
        return limits
    }

    /// Where it came from.
    public let source: PluginSource
    /// As the script says.
    public let name: String
    /// What it is about; "" where it does not say.
    public let summary: String
    /// The volume that it wants.
    public let volume: WorkloadVolume
    /// With the values that were set.
    public private(set) var parameters: [PluginOption]
    /// Whether it judges anything.
    public var hasCheck: Bool { definition.check != nil }
    /// Told of each operation of `setup` and `run` when it is over.
    public var observer: ((WorkloadStep) -> Void)?
    /// What the script said with `treelog.note` and `treelog.warn`.
    public var messages: [ExtensionReport.Message] { machine.messages }

    private let machine: PluginMachine
    private let definition: WorkloadDefinition
    /// The item types that it declares; nil where there are none.
    private let itemTypes: Plugin?
    private let seed: UInt64

    /// Reads the workload.
    ///
    /// - Parameters:
    ///   - settings: values of parameters, as `files=10`.
    ///   - seed: of `treelog.random`.
    /// - Throws: `PluginError` with all that is wrong with it.
    public init(
        _ source: PluginSource, settings: [String] = [], seed: UInt64 = 0, limits: LuaLimits = Workload.usualLimits
    ) throws(PluginError) {
        self.source = source
        self.seed = seed
        machine = try PluginMachine(source, limits, as: .workload)
        machine.workload.stringLimit = limits.stringBytes
        definition = machine.definition.workload ?? WorkloadDefinition()
        itemTypes = machine.definition.items.isEmpty ? nil : try Plugin(source, limits, as: .workload)
        name = definition.name
        summary = definition.doc
        volume = definition.volume
        parameters = definition.parameters
        for setting in settings { try set(setting) }
    }

    private func set(_ setting: String) throws(PluginError) {
        let sides = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2 else { throw PluginError("'\(setting)' is not KEY=VALUE") }
        try PluginSet.set(String(sides[0]), String(sides[1]), name, &parameters)
    }

    // MARK: Running

    /// Runs `setup` and `run` on a volume, whose device is not written: changes stay in memory.
    ///
    /// - Throws: `WorkloadFailure`.
    public func plan(
        on device: any BlockDevice, _ options: MountOptions = MountOptions()
    ) throws(WorkloadFailure) -> WorkloadPlan {
        machine.workload.random = SplitMix64(seed: seed)
        let base = OverlayDevice(base: device)
        if let setup = definition.setup {
            let session = try mount([base], options, for: "setup")
            try call("setup", setup, session)
            try unmount(session, after: "setup")
        }
        let recording = Recording()
        let session = try mount([RecordingDevice(base: base, recording: recording)], options, recording, for: "run")
        if let run = definition.run { try call("run", run, session) }
        return WorkloadPlan(
            base: base, recording: recording, steps: session.steps, crashesAtFlushes: definition.crashesAtFlushes)
    }

    /// The device as a crash leaves it, before anything is replayed.
    public func device(after crash: WorkloadCrash, of plan: WorkloadPlan) throws(DeviceError) -> OverlayDevice {
        try plan.recording.state(at: crash.point)[0]
    }

    /// Mounts the volume as a crash leaves it, and has the workload check it.
    ///
    /// - Returns: the report of the replay; nil where there was no log.
    /// - Throws: `WorkloadFailure`.
    @discardableResult
    public func judge(
        _ crash: WorkloadCrash, of plan: WorkloadPlan, _ options: MountOptions = MountOptions()
    ) throws(WorkloadFailure) -> ReplayReport? {
        let device: OverlayDevice
        do { device = try self.device(after: crash, of: plan) } catch {
            throw WorkloadFailure(kind: .mount, function: "check", message: "\(error)", traceback: "")
        }
        let session = try mount([device], options, for: "check")
        let report = session.replayReport
        guard let check = definition.check else { return report }
        machine.workload.crash = crash
        defer { machine.workload.crash = nil }
        try call("check", check, session)
        // What the check changed has to be possible as well.
        try unmount(session, after: "check")
        return report
    }

    private func mount(
        _ devices: [any BlockDevice], _ options: MountOptions, _ recording: Recording? = nil, for function: String
    ) throws(WorkloadFailure) -> WorkloadSession {
        var options = options
        do throws(PluginError) { try itemTypes?.register(in: &options.registry) } catch {
            throw WorkloadFailure(kind: .script, function: function, message: "\(error)", traceback: "")
        }
        do throws(FileSystemError) {
            let session = try WorkloadSession(
                devices, options, for: function, recording: recording, stringLimit: machine.workload.stringLimit)
            if function != "check" { session.observer = observer }
            return session
        } catch {
            throw WorkloadFailure(kind: .mount, function: function, message: "\(error)", traceback: "")
        }
    }

    private func unmount(_ session: WorkloadSession, after function: String) throws(WorkloadFailure) {
        do { try session.unmount() } catch {
            throw WorkloadFailure(kind: .mount, function: function, message: "\(error)", traceback: "")
        }
    }

    private func call(_ name: String, _ function: LuaReference, _ session: WorkloadSession) throws(WorkloadFailure) {
        guard let views = machine.workload.views else { return }
        let isCheck = name == "check"
        machine.workload.session = session
        machine.phase = isCheck ? .check : .workload
        defer {
            machine.workload.session = nil
            machine.phase = .describe
        }
        do throws(LuaError) {
            let same = try machine.parameterTable(parameters)
            if isCheck {
                _ = try machine.vm.call(function, .view(views.fileSystem), .view(views.crash), .reference(same))
            } else {
                _ = try machine.vm.call(function, .view(views.fileSystem), .reference(same))
            }
        } catch { throw failure(error, name) }
    }

    private func failure(_ error: LuaError, _ function: String) -> WorkloadFailure {
        let (place, text) = PluginMachine.split(error.message)
        return WorkloadFailure(
            kind: error.rootCause is ExpectationFailure ? .expectation : .script, function: function,
            message: place.isEmpty ? "\(source.place("")): \(text)" : "\(source.place(place)): \(text)",
            traceback: error.traceback)
    }
}

extension PluginMachine {
    /// The parameters as a table of the machine.
    func parameterTable(_ parameters: [PluginOption]) throws(LuaError) -> LuaReference {
        let table = LuaValue.table(LuaTable(fields: parameters.map { ($0.name, $0.value.lua) }))
        guard let same, let reference = try vm.callMany(same, [table]).first?.table?.reference else {
            throw LuaError(kind: .memory, message: "no memory for the parameters")
        }
        return reference
    }
}
