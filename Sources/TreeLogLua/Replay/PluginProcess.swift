internal import BtrfsFormat
public import BtrfsVolume
internal import LuaRuntime
public import TreeLog

/// A process function of a plugin.
///
/// In a registry it is one like any other: a walk calls it for each block. `run` does all of a walk.
public final class PluginProcess: ProcessFunction {
    private let source: PluginSource
    private let limits: LuaLimits
    private let number: Int
    /// Where it is declared.
    let place: String
    public let name: String
    public let summary: String
    /// What can be set, with its values.
    public internal(set) var options: [PluginOption]
    /// Where the script writes to.
    public var output: (([UInt8]) -> Void)?
    private var machine: PluginMachine?

    init(_ source: PluginSource, _ limits: LuaLimits, _ number: Int, _ process: ProcessDefinition) {
        self.source = source
        self.limits = limits
        self.number = number
        place = process.place
        name = process.name
        summary = process.doc
        options = process.options
    }

    /// Visits all blocks of all logs, first those of the tree of log trees. Nothing is written.
    ///
    /// - Parameter write: gets what the script writes.
    /// - Throws: `LogError` when a log cannot be read or the script fails.
    public func run(over volume: Volume, write: @escaping ([UInt8]) -> Void) throws(LogError) {
        output = write
        machine = nil
        defer { output = nil }
        guard let forest = try LogForest(of: volume) else { return try finish() }
        let walk = LogWalk()
        let control = WalkControl(stage: .everything, process: self)
        try walk.run(over: forest.roots, control)
        for entry in forest.entries { try walk.run(over: try forest.open(entry), control) }
        try finish()
    }

    public func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        let machine = try present()
        let process = machine.definition.processes[number]
        let state = try machine.state(of: name, options, process.begin, .process)
        machine.place = block.place
        machine.place.stage = control.stage
        machine.paths = LogPaths(block.log, control.transaction?.volume)
        let bytes = try block.read()
        do {
            if let function = process.block { try visit(block, bytes, function, state, machine) }
            if block.level == 0, let function = process.item {
                try visitItems(of: block, bytes, function, process.kinds, state, machine)
            }
        } catch { throw LogError(from: error, at: machine.place) }
    }

    /// The machine of this walk.
    private func present() throws(LogError) -> PluginMachine {
        if let machine { return machine }
        let machine: PluginMachine
        do { machine = try PluginMachine(source, limits) } catch {
            throw LogError(.plugin("process '\(name)': \(error)"))
        }
        machine.output = output
        self.machine = machine
        return machine
    }

    /// Calls `finish` of the script.
    public func finish() throws(LogError) {
        let machine = try present()
        let process = machine.definition.processes[number]
        defer { self.machine = nil }
        let state = try machine.state(of: name, options, process.begin, .process)
        guard let function = process.finish else { return }
        machine.place = LogPlace()
        try machine.call("finish of process \(name)", .process) { () throws(LuaError) in
            _ = try machine.vm.call(function, .reference(state))
        }
    }

    private func visit(
        _ block: LogBlock, _ bytes: RawSpan, _ function: LuaReference, _ state: LuaReference, _ machine: PluginMachine
    ) throws {
        let view = try machine.views().block
        let integers: [4 of Int64] = [
            Int64(bitPattern: block.address.rawValue), Int64(block.level), Int64(bitPattern: block.generation),
            Int64(try BlockHeader(bytes).itemCount),
        ]
        try machine.call("block of process \(name)", .process) { () throws(LuaError) in
            _ = try machine.vm.call(function, .view(view, over: RawSpan(), integers: integers), .reference(state))
        }
    }

    private func visitItems(
        of block: LogBlock, _ bytes: RawSpan, _ function: LuaReference, _ kinds: Set<UInt8>?, _ state: LuaReference,
        _ machine: PluginMachine
    ) throws {
        let views = try machine.views()
        let leaf = LeafView(bytes)
        for slot in 0..<(try leaf.count) {
            let key = try leaf.key(at: slot)
            if let kinds, !kinds.contains(key.type.rawValue) { continue }
            let data = try leaf.data(at: slot)
            machine.place.slot = slot
            machine.place.key = key
            let view = views.views(of: key.type).logged
            try machine.call("item of process \(name)", .process) { () throws(LuaError) in
                _ = try machine.vm.call(function, .item(view, key, data, inode: key.objectID), .reference(state))
            }
        }
        machine.place.slot = nil
        machine.place.key = nil
    }
}

/// Paths by the names of a log, and by those of its subvolume where the log has none.
final class LogPaths: PathFinder {
    private let log: LogTree
    private let committed: Namespace?

    init(_ log: LogTree, _ volume: Volume?) {
        self.log = log
        committed = log.subvolume.flatMap { try? volume?.tree($0) }.map { Namespace($0) }
    }

    func path(of inode: ObjectID) -> [UInt8]? {
        let logged = Namespace(log.tree)
        var names: [[UInt8]] = []
        var current = inode
        // A circle of damaged references ends at the limit.
        for _ in 0..<4096 {
            if current == .firstFree { return Array(names.reversed().joined(separator: [UInt8(ascii: "/")])) }
            guard let name = (try? logged.firstName(of: current)) ?? (try? committed?.firstName(of: current))
            else { return nil }
            names.append(name.name)
            current = name.directory
        }
        return nil
    }
}
