internal import ArgumentParser
internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import TreeLog
internal import TreeLogLua

/// `treelog walk`
struct Walk: Verb {
    static let configuration = CommandConfiguration(
        commandName: "walk",
        abstract: "Walks over the log and runs a process function for each block.",
        usage: "treelog walk [options] <image> ...\ntreelog walk --list",
        discussion: """
            A process function is what Linux calls process_func in its walk control. The blocks come as it sees \
            them: leaves in the order of their keys, each node after its leaves, the root last. Nothing is written; \
            'replay' works in memory. Blocks that cannot be read are listed, and the exit code is then 4.

            EXAMPLES
              treelog walk --list
              treelog walk disk.img
              treelog walk --process replay disk.img
              treelog walk --process my.lua disk.img
            """)

    @Argument(
        help: ArgumentHelp(
            "An image file or block device; several are the devices of one volume.", valueName: "image"),
        completion: .file())
    var images: [String] = []

    @Option(help: ArgumentHelp("The process function.", valueName: "name"))
    var process = "verify"

    @Flag(help: "List the registered process functions.")
    var list = false

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var format: OutputOptions

    func validate() throws {
        if !list, images.isEmpty { throw ValidationError("Missing expected argument '<image> ...'") }
    }

    /// Whether `--process` is the path of a plugin.
    private var isPath: Bool { process.hasSuffix(".lua") || process.contains("/") }

    func perform(_ console: Console) throws -> Outcome {
        let plugins = try policy.plugins.load(
            also: isPath ? [process] : [], offering: isPath ? [policy.policy] : [policy.policy, process])
        let registry = try policy.makeRegistry(with: plugins)
        let script = try self.script(of: plugins, registry)
        if list { return printList(of: registry, console) }
        let devices = try images.map { (path) throws(DeviceError) in
            try FileDevice(path: path, access: .readOnly)
        }
        let volume = try Volume(opening: devices)
        if let script {
            try script.run(over: volume) { console.write($0.rawSpan) }
            return .done
        }
        let printer = BlockPrinter(console, json: format.json)
        try printer.document(process) {
            guard volume.superblock.logRoot.rawValue != 0 else { return }
            if process == "replay" {
                try replay(volume, registry, printer)
            } else {
                try walk(volume, registry, printer)
            }
        }
        return printer.damagedCount > 0 ? .findings : .done
    }

    /// The process function of a plugin; nil for one that is built in.
    private func script(of plugins: LoadedPlugins, _ registry: Registry) throws -> PluginProcess? {
        if isPath {
            guard let plugin = plugins.set.plugins.first(where: { $0.source.path == process.trimmedPath }),
                let first = plugin.processes.first
            else { throw ValidationError("the plugin \(process) has no process function") }
            return first
        }
        if let script = plugins.set.process(named: process) { return script }
        if registry.processFunctions[process] != nil { return nil }
        throw ValidationError(unknownText("process function", process, known: registry.processFunctions.keys))
    }

    private func printList(of registry: Registry, _ console: Console) -> Outcome {
        let names = registry.processFunctions.keys.sorted()
        if format.json {
            let json = JSONWriter(console, expandedDepth: 1)
            json.document("process-functions") { json.field("process_functions", names) }
        } else {
            for name in names { console.line(name) }
        }
        return .done
    }

    /// A replay whose two process functions also tell what they are given.
    private func replay(_ volume: Volume, _ registry: Registry, _ printer: BlockPrinter) throws {
        var registry = registry
        for name in ["pin", "replay"] {
            guard let function = registry.processFunctions[name] else { continue }
            try registry.register(Observed(function, printer), as: name, .override)
        }
        let replayer = try Replayer(
            volume, registry: registry, policy: policy.policy, options: policy.replayOptions(nil))
        _ = try replayer.run()
    }

    private func walk(_ volume: Volume, _ registry: Registry, _ printer: BlockPrinter) throws {
        guard let function = registry.processFunctions[process], let forest = try LogForest(of: volume) else {
            return
        }
        var control = WalkControl(stage: .pin, process: Observed(function, printer))
        control.pin = process == "pin"
        control.write = process == "write"
        control.wait = process == "write" || process == "wait"
        control.free = process == "free"
        control.target = printer
        control.damageHandler = printer
        let walk = LogWalk()
        for entry in forest.entries {
            do throws(LogError) {
                try walk.run(over: try forest.open(entry), control)
            } catch {
                printer.noteDamage(error)
            }
        }
        try walk.run(over: forest.roots, control)
    }
}

/// A process function that tells what it is given before it does its work.
private struct Observed: ProcessFunction {
    private let function: any ProcessFunction
    private let printer: BlockPrinter

    init(_ function: any ProcessFunction, _ printer: BlockPrinter) {
        self.function = function
        self.printer = printer
    }

    func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
        printer.note(block, control.stage)
        try function.process(block, control)
    }
}

/// Prints the blocks of a walk, and counts what is done with them.
private final class BlockPrinter: LogBlockTarget, DamageHandler {
    private let console: Console
    private let json: JSONWriter?
    private var counts: [(name: String, count: Int)] = []
    private(set) var damagedCount = 0

    init(_ console: Console, json: Bool) {
        self.console = console
        self.json = json ? JSONWriter(console, expandedDepth: 2) : nil
    }

    func document(_ process: String, _ body: () throws -> Void) throws {
        guard let json else {
            try body()
            let text = counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
            return console.line(text.isEmpty ? "The volume has no log." : text)
        }
        try json.document("walk") {
            json.field("process", process)
            try json.array("blocks", body)
            json.object("counts") { for (name, count) in counts { json.field(name, count) } }
        }
    }

    private func count(_ name: String) {
        if let slot = counts.firstIndex(where: { $0.name == name }) {
            counts[slot].count += 1
        } else {
            counts.append((name, 1))
        }
    }

    func note(_ block: LogBlock, _ stage: ReplayStage) {
        count(block.level == 0 ? "leaves" : "nodes")
        let types = (try? typeCounts(of: block)) ?? []
        let itemCount = types.reduce(0) { $0 + $1.count }
        guard let json else {
            let log = block.log.subvolume.map { "log:\($0)" } ?? "log-root"
            let text = types.map { "\($0.type) \($0.count)" }.joined(separator: ", ")
            let columns = [
                log.padded(to: 9), "\(stage)".padded(to: 15), "level \(block.level)",
                "block \("\(block.address)".padded(to: 11))", text,
            ]
            return console.line(columns.joined(separator: "  ").fitted(to: console.columnCount))
        }
        json.object {
            json.field("subvolume", block.log.subvolume)
            json.field("stage", "\(stage)")
            json.field("block", block.address)
            json.field("level", block.level)
            json.field("generation", block.generation)
            json.field("items", itemCount)
            json.object("types") { for (type, count) in types { json.field("\(type)", count) } }
        }
    }

    /// How many items of each type a leaf has.
    private func typeCounts(of block: LogBlock) throws -> [(type: KeyType, count: Int)] {
        guard block.level == 0 else { return [] }
        let leaf = LeafView(try block.read())
        var counts: [KeyType: Int] = [:]
        for slot in 0..<(try leaf.count) { counts[try leaf.key(at: slot).type, default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    func noteDamage(_ error: LogError) {
        damagedCount += 1
        count("damaged")
        console.complain("\(error)")
    }

    // What the process functions ask for; here it is only counted.
    func pin(_ block: LogBlock) throws(LogError) { count("pinned") }
    func write(_ block: LogBlock) throws(LogError) { count("written") }
    func wait(_ block: LogBlock) throws(LogError) { count("waited for") }
    func free(_ block: LogBlock) throws(LogError) { count("freed") }
    func handleDamage(of block: LogBlock, _ error: LogError) throws(LogError) { noteDamage(error) }
}

extension String {
    /// Without slashes at the end.
    fileprivate var trimmedPath: String {
        var path = self[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        return String(path)
    }

    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
