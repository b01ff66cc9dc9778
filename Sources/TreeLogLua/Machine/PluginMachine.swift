internal import BtrfsFormat
internal import LuaRuntime
internal import TreeLog

/// What a script is.
enum ScriptRole { case plugin, workload }

/// A Lua machine with a plugin in it: one for each use, and a new one for each run of a replay.
final class PluginMachine {
    let source: PluginSource
    let role: ScriptRole
    let vm: LuaVM
    let slot = ContextSlot()
    private(set) var definition = PluginDefinition()
    /// What the script may do now.
    @inline(__always)
    var phase: ScriptPhase {
        get { slot.phase }
        set { slot.phase = newValue }
    }
    /// Where the walk stands, when no context is lent.
    var place = LogPlace()
    /// The conflict that is decided, the views of its sides, and who asks.
    var conflict: Conflict?
    var sides: (logged: LuaView, committed: LuaView)?
    var policyName: String?
    /// Paths where no context is lent.
    var paths: (any PathFinder)?
    /// Where a process function writes to.
    var output: (([UInt8]) -> Void)?
    var messages: [ExtensionReport.Message] = []

    var declarations: [Declaration] = []
    /// Of each declared item type, by the number of its declaration.
    private(set) var fieldsOfDeclaration: [Int: FieldList] = [:]
    private(set) var words = MachineWords()
    private var madeViews: MachineViews?
    private var prelude = LuaTable()
    private var usedFiles: [String]
    private var states: [String: LuaReference] = [:]
    /// The functions of item types, which prelude wrote.
    var methods: [(String, LuaValue)] = []
    private(set) var same: LuaReference?
    /// Of the prelude, for `context:note` and `context:warn`.
    private(set) var notes: LuaReference?
    private(set) var warnings: LuaReference?

    /// What the functions of a workload use.
    let workload = WorkloadRuntime()

    /// Runs the plugin's main file and checks what it declares.
    ///
    /// - Throws: `PluginError` with all problems.
    init(
        _ source: PluginSource, _ limits: LuaLimits, as role: ScriptRole = .plugin
    ) throws(PluginError) {
        self.source = source
        self.role = role
        usedFiles = [source.mainFile]
        do {
            vm = try LuaVM(limits: limits)
        } catch { throw PluginError(error.message, at: source.path) }
        vm.resolver = { [unowned self] in module(named: $0) }
        do {
            try defineAll()
        } catch { throw PluginError("\(error)", at: source.path) }
        let problems = ProblemList(source)
        let definition = read(problems)
        guard let definition, problems.problems.isEmpty else {
            let others = definition.map { Registration.problems(of: $0, source) } ?? []
            throw PluginError(problems.problems + others)
        }
        self.definition = definition
        do {
            try prepare()
        } catch { throw PluginError("\(error)", at: source.path) }
        phase = .describe
    }

    /// The files that were loaded, in that order.
    var scripts: [String] { usedFiles }

    private func module(named name: String) -> LuaVM.Module? {
        let path = name.split(separator: ".").joined(separator: "/") + ".lua"
        guard let text = source.files[path] else { return nil }
        if !usedFiles.contains(path) { usedFiles.append(path) }
        return LuaVM.Module(name: path, source: text)
    }

    /// Runs the script and reads what it declared, as far as it came.
    private func read(_ problems: ProblemList) -> PluginDefinition? {
        let file = source.mainFile
        do throws(LuaError) {
            let result = try vm.call(try vm.load(source.files[file] ?? [], name: file))
            let reader = DefinitionReader(declarations: declarations, problems: problems)
            return role == .plugin ? reader.plugin(result, file: file) : reader.workload(result, file: file)
        } catch {
            // A definition that is wrong often makes the script fail later: tell of both.
            let reader = DefinitionReader(declarations: declarations, problems: problems)
            let definition = reader.plugin(nil, file: file)
            let (place, text) = Self.split(error.message)
            problems.add(text, at: place)
            return definition
        }
    }

    /// Takes `plugin.lua:12: ` from the front of a message.
    static func split(_ message: String) -> (place: String, text: String) {
        let parts = message.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].hasSuffix(".lua"), Int(parts[1]) != nil else { return ("", message) }
        return ("\(parts[0]):\(parts[1])", String(parts[2].drop { $0 == " " }))
    }

    private func defineAll() throws {
        try defineHost()
        let chunk = try vm.load(Array(Prelude.source.utf8), name: Prelude.name)
        guard case .table(let table) = try vm.call(chunk) else { return }
        prelude = table
        for entry in table["fields"]?.table?.entries ?? [] {
            if let name = entry.key.text { try vm.define("treelog.\(name)", value: entry.value) }
        }
        methods = (table["methods"]?.table?.entries ?? []).map { ($0.key.text ?? "", $0.value) }
        for name in ["note", "warn"] { try vm.define("treelog.\(name)", value: table[name] ?? .nil) }
        same = table["same"]?.function
        notes = table["note"]?.function
        warnings = table["warn"]?.function
        try vm.define("treelog_host", value: .nil)
        try defineFunctions()
        if role == .workload { try defineWorkloadFunctions() }
    }

    private func prepare() throws {
        for item in definition.items { fieldsOfDeclaration[item.declaration] = item.fields }
        words = try MachineWords(vm)
    }

    /// The views, made when the first call needs them: a policy that never meets a conflict goes without.
    func views() throws(LogError) -> MachineViews {
        if let madeViews { return madeViews }
        do {
            let views = try MachineViews(self)
            madeViews = views
            return views
        } catch { throw LogError(.plugin("plugin '\(definition.name)': \(error)"), at: currentPlace) }
    }

    // MARK: State

    /// What `begin` of a policy or process made for this run, or its options.
    func state(
        of name: String, _ options: [PluginOption], _ begin: LuaReference?, _ phase: ScriptPhase
    ) throws(LogError) -> LuaReference {
        if let state = states[name] { return state }
        let table = LuaValue.table(LuaTable(fields: options.map { ($0.name, $0.value.lua) }))
        let result = try call("begin of \(name)", phase) { () throws(LuaError) in
            guard let function = begin ?? same else { return LuaValue.nil }
            return try vm.callMany(function, [table]).first ?? .nil
        }
        guard let state = result.table?.reference else {
            throw failure("it returned a \(result.typeName), and not a table", "begin of \(name)")
        }
        states[name] = state
        return state
    }

    // MARK: Calls

    /// Runs `body`, which calls the script, and makes a `LogError` of what goes wrong in it.
    @inline(__always)
    func call<Result>(
        _ callback: @autoclosure () -> String, _ phase: ScriptPhase, _ body: () throws(LuaError) -> Result
    ) throws(LogError) -> Result {
        let outer = self.phase
        self.phase = phase
        defer { self.phase = outer }
        let result: Result
        do throws(LuaError) {
            result = try body()
        } catch {
            slot.pendingFailure = nil
            throw failure(error, callback())
        }
        if let failure = slot.pendingFailure {
            slot.pendingFailure = nil
            throw failure
        }
        return result
    }

    /// The error for something that went wrong in a callback.
    func failure(_ error: LuaError, _ callback: String) -> LogError {
        let name = definition.name
        if var inner = error.rootCause as? LogError {
            if inner.note == nil { inner.note = "plugin '\(name)', \(callback)" }
            return inner
        }
        return LogError(.plugin("plugin '\(name)', \(callback): \(error)"), at: currentPlace)
    }

    func failure(_ text: String, _ callback: String) -> LogError {
        LogError(.plugin("plugin '\(definition.name)', \(callback): \(text)"), at: currentPlace)
    }

    /// Where the walk stands.
    var currentPlace: LogPlace {
        let lent = try? slot.use { (context: inout ReplayContext) throws(LogError) in context.place }
        return conflict?.place ?? (lent ?? nil) ?? place
    }

    /// The error of a function that is called when it may not be.
    func require(_ phases: Set<ScriptPhase>, _ name: String) throws(APIError) {
        if phases.contains(phase) { return }
        let allowed = ScriptPhase.allCases.filter { phases.contains($0) }.map(\.text).joined(separator: ", ")
        throw APIError("\(name) cannot be called \(phase.text), only \(allowed)")
    }
}

/// What a script did wrong with the API.
struct APIError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The closed sets of words that callbacks answer with.
struct MachineWords {
    var resolution: LuaWords?
    var filter: LuaWords?
    var handler: LuaWords?

    init() {}

    init(_ vm: LuaVM) throws(LuaError) {
        resolution = try vm.makeWords(APITable.resolutionWords)
        filter = try vm.makeWords(APITable.filterWords)
        handler = try vm.makeWords(APITable.handlerWords)
    }
}
