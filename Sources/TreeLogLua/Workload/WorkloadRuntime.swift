internal import BtrfsVolume
internal import LuaRuntime

/// What the functions of a workload work with.
final class WorkloadRuntime {
    var random = SplitMix64(seed: 0)
    /// The volume that is mounted now.
    var session: WorkloadSession?
    /// Where the power went, while a check runs.
    var crash: WorkloadCrash?
    /// The last error of the file system, as the script may have caught it.
    var lastError: (text: String, code: String)?
    var views: (fileSystem: LuaView, crash: LuaView)?
    /// The largest string that random_bytes and read make.
    var stringLimit = 0
}

extension PluginMachine {
    func defineWorkloadFunctions() throws {
        try defineConstructor("workload", .workload)
        try Expectations.define(in: vm) { [workload] message in
            guard let error = workload.lastError, message.hasSuffix(error.text) else { return nil }
            return error.code
        }
        try define("random") { [workload] arguments in
            if arguments.isNil(0) { return .integer(Int64(bitPattern: workload.random.next())) }
            let first = try arguments.integer(0)
            let (low, high) = arguments.isNil(1) ? (1, first) : (first, try arguments.integer(1))
            guard low <= high else { throw APIError("random: there is no number from \(low) to \(high)") }
            return .integer(workload.random.next(from: low, through: high))
        }
        try define("random_bytes") { [workload] arguments in
            let count = try arguments.integer(0)
            guard count >= 0, count <= Int64(workload.stringLimit) else {
                throw APIError("random_bytes: 0 to \(workload.stringLimit) bytes, got \(count)")
            }
            return .string(workload.random.bytes(Int(count)))
        }
        let pick = try vm.load(Array(Self.pick.utf8), name: "=treelog")
        try vm.define("treelog.pick", value: try vm.call(pick))
        workload.views = (
            try vm.makeView(try makeFileSystemClass()), try vm.makeView(try makeCrashClass())
        )
    }

    private static let pick = """
        local random = treelog.random
        return function(list)
          if #list == 0 then error("pick: the list is empty", 2) end
          return list[random(#list)]
        end
        """

    // MARK: fs

    private func makeFileSystemClass() throws -> LuaViewClass {
        var methods: [String: LuaVM.Function] = [:]
        for entry in APITable.fileSystem.entries {
            methods[entry.name] = { [unowned self] in try perform(entry, $0) }
        }
        return try vm.makeViewClass(
            "fs", methods: methods, readers: .excluded,
            getter: { arguments, _ in
                let name = try arguments.text(1)
                throw APIError("fs has no operation '\(name)'\(Nearest.hint(name, among: APITable.fileSystem.keys))")
            })
    }

    private func perform(_ entry: APIEntry, _ arguments: borrowing LuaArguments) throws -> LuaValue {
        try require(entry.phases, "fs:\(entry.name)")
        let call = try WorkloadCall(entry, arguments)
        guard let session = workload.session, let operation = WorkloadOperations.table[entry.name] else {
            throw APIError("fs:\(entry.name): no volume is mounted")
        }
        do { return try session.perform(call, operation) } catch let error as WorkloadOperationError {
            workload.lastError = (error.description, error.code)
            throw error
        }
    }

    // MARK: crash

    private func makeCrashClass() throws -> LuaViewClass {
        try vm.makeViewClass(
            "crash", fields: ["operation": .computed(0), "point": .computed(1)],
            methods: [
                "after": { [unowned self] in .boolean(try passed($0)) },
                "before": { [unowned self] in .boolean(!(try passed($0))) },
            ],
            readers: .excluded,
            getter: { [unowned self] arguments, number in
                guard let number, let crash = workload.crash else {
                    let name = try arguments.text(1)
                    throw APIError("a crash has no field '\(name)'\(Nearest.hint(name, among: APITable.crash.keys))")
                }
                return number == 0 ? .integer(Int64(crash.operation)) : .text(crash.text)
            })
    }

    private func passed(_ arguments: borrowing LuaArguments) throws -> Bool {
        try require([.check], "crash:\(arguments.name)")
        guard let crash = workload.crash else { return false }
        let mark = try arguments.text(1)
        guard let isPassed = crash.marks[mark] else {
            let names = crash.marks.keys.sorted()
            throw APIError("run sets no mark '\(mark)'\(Nearest.hint(mark, among: names))")
        }
        return isPassed
    }
}
