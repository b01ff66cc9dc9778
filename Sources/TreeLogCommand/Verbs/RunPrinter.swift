internal import BlockDevices
internal import TreeLog
internal import TreeLogLua

/// Prints what workloads do and what became of their crashes.
final class RunPrinter {
    private let console: Console
    private let json: JSONWriter?
    private let trace: Bool
    /// Workloads that could not be run to their end.
    private(set) var failedCount = 0
    /// Workloads that found something else than they expected.
    private(set) var unexpectedCount = 0

    // Of the present workload.
    private var steps: [WorkloadStep] = []
    private var crashes: [(crash: WorkloadCrash, failure: WorkloadFailure?)] = []
    private var failure: WorkloadFailure?
    private var plan: WorkloadPlan?

    init(_ console: Console, json: Bool, trace: Bool) {
        self.console = console
        self.json = json ? JSONWriter(console, expandedDepth: 4) : nil
        self.trace = trace
    }

    func document(_ body: () throws -> Void) throws {
        guard let json else { return try body() }
        try json.document("run") { try json.array("workloads", body) }
    }

    // MARK: A workload

    func begin(_ workload: Workload) {
        (steps, crashes, failure, plan) = ([], [], nil, nil)
        if trace, json == nil { console.line(workload.name) }
    }

    func step(_ step: WorkloadStep) {
        steps.append(step)
        guard trace, json == nil else { return }
        var line = step.function == "setup" ? "  setup " : "  run   "
        line += String(repeating: " ", count: max(0, 4 - "\(step.number)".count)) + "\(step.number)  "
        line += step.text
        if let result = Self.result(of: step) { line += "  → " + result }
        console.line(line)
    }

    private static func result(of step: WorkloadStep) -> String? {
        let bytes = step.byteCount > 0 ? ", \(step.byteCount) bytes" : ""
        if let error = step.error { return error }
        switch step.sync {
        case .logged: return "logged\(bytes)"
        case .fullCommit(let reason): return "full commit: \(reason)\(bytes)"
        case .nothingToDo: return "nothing to do"
        case nil: return step.name == "sync" ? "full commit\(bytes)" : nil
        }
    }

    func ran(_ plan: WorkloadPlan) { self.plan = plan }

    func failed(_ failure: WorkloadFailure) {
        self.failure = failure
        count(failure)
    }

    func judged(_ crash: WorkloadCrash, _ failure: WorkloadFailure?, hasCheck: Bool) {
        crashes.append((crash, failure))
        guard trace, json == nil else { return }
        let verdict = failure == nil ? hasCheck ? "as expected" : "mounted" : "FAIL"
        console.line("  crash \(crash.text)  → \(verdict)")
    }

    private func count(_ failure: WorkloadFailure) {
        if failure.kind == .expectation { unexpectedCount += 1 } else { failedCount += 1 }
    }

    func end(_ workload: Workload) {
        // Neither has it run nor failed: the call of the program was wrong.
        if plan == nil, failure == nil { return }
        // One workload counts once, as the worst that became of it.
        let failures = crashes.compactMap(\.failure)
        if let worst = failures.first(where: { $0.kind != .expectation }) ?? failures.first { count(worst) }
        if let json { return write(workload, json) }
        let isRight = failure == nil && failures.isEmpty
        console.line("\(isRight ? "ok  " : "FAIL") \(workload.name)  \(summary(failures.count))")
        if let failure { explain(failure, "") }
        for (crash, failure) in crashes { if let failure { explain(failure, "crash \(crash.text): ") } }
        for message in workload.messages { console.line("      \(message.text)") }
    }

    private func summary(_ failureCount: Int) -> String {
        guard let plan else { return "" }
        var (logged, full) = (0, 0)
        for step in plan.steps {
            switch step.sync {
            case .logged: logged += 1
            case .fullCommit: full += 1
            case .nothingToDo: break
            case nil: full += step.name == "sync" && step.error == nil ? 1 : 0
            }
        }
        let wrong = failureCount > 0 ? ", \(failureCount) not as expected" : ""
        return "\(plan.steps.count) operations, \(logged) fsyncs logged, \(full) full commits, "
            + "\(crashes.count) crashes\(wrong)"
    }

    private func explain(_ failure: WorkloadFailure, _ prefix: String) {
        console.line("      \(prefix)\(failure.message)")
        guard failure.kind == .script, trace else { return }
        for line in failure.traceback.split(separator: "\n") { console.line("        \(line)") }
    }

    // MARK: JSON

    private func write(_ workload: Workload, _ json: JSONWriter) {
        json.object {
            json.field("name", workload.name)
            json.field("script", workload.source.path)
            json.field("passed", failure == nil && crashes.allSatisfy { $0.failure == nil })
            if trace {
                json.array("operations") { for step in steps { write(step, json) } }
            }
            if let failure { write(failure, json) }
            json.array("crashes") {
                for (crash, failure) in crashes {
                    json.object {
                        json.field("operation", crash.operation)
                        json.field("point", crash.text)
                        json.field("device_operations", crash.point.operationCount)
                        json.field("passed", failure == nil)
                        if let failure { write(failure, json) }
                    }
                }
            }
            json.field("messages", workload.messages.map(\.text))
        }
    }

    private func write(_ step: WorkloadStep, _ json: JSONWriter) {
        json.object {
            json.field("function", step.function)
            json.field("number", step.number)
            json.field("text", step.text)
            json.field("error", step.error)
            json.field("bytes", step.byteCount)
            switch step.sync {
            case .logged: json.field("outcome", "logged")
            case .fullCommit(let reason):
                json.field("outcome", "full_commit")
                json.field("reason", reason.rawValue)
            case .nothingToDo: json.field("outcome", "nothing")
            case nil: break
            }
        }
    }

    private func write(_ failure: WorkloadFailure, _ json: JSONWriter) {
        json.object("failure") {
            switch failure.kind {
            case .expectation: json.field("kind", "expectation")
            case .script: json.field("kind", "script")
            case .mount: json.field("kind", "mount")
            }
            json.field("function", failure.function)
            json.field("message", failure.message)
        }
    }
}
