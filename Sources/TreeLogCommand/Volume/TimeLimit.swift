internal import LuaRuntime
internal import TreeLog

/// Ends a replay that takes too long: its process functions look at the clock before each block, and scripts are
/// stopped in whatever they do.
final class TimeLimit {
    private let seconds: Double
    private let deadline: ContinuousClock.Instant
    private var wasSeen = false
    /// Of the machines of all plugins.
    let interrupter: LuaInterrupter
    private let watchdog: Task<Void, Never>

    init(seconds: Double) throws {
        let (interrupter, deadline) = (try LuaInterrupter(), ContinuousClock.now + .seconds(seconds))
        self.seconds = seconds
        self.interrupter = interrupter
        self.deadline = deadline
        // On another thread: this one may be deep in a script.
        watchdog = Task.detached(priority: .high) {
            do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
            interrupter.interrupt()
        }
    }

    /// Nothing is stopped any more.
    func end() { watchdog.cancel() }

    /// Whether something was stopped.
    var isExceeded: Bool { wasSeen || interrupter.isInterrupted }

    /// - Throws: `LogError` when the time is over.
    func check(at place: LogPlace = LogPlace()) throws(LogError) {
        guard ContinuousClock.now >= deadline else { return }
        wasSeen = true
        throw LogError(.plugin("the time is over"), at: place)
    }

    /// What to say instead of the error by which the replay ended.
    var failure: Failure {
        Failure(
            "not done after \(seconds) seconds; the volume is unchanged", nextStep: "Allow more time with --timeout.")
    }

    /// Lets all process functions of `registry` look at the clock.
    func limit(_ registry: inout Registry) throws(RegistryError) {
        for (name, function) in registry.processFunctions {
            try registry.register(Limited(function: function, limit: self), as: name, .override)
        }
    }

    private struct Limited: ProcessFunction {
        let function: any ProcessFunction
        let limit: TimeLimit

        func process(_ block: LogBlock, _ control: borrowing WalkControl) throws(LogError) {
            try limit.check(at: block.place)
            try function.process(block, control)
        }
    }
}
