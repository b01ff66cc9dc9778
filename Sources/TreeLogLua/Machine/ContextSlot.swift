internal import LuaRuntime
internal import TreeLog

/// Lends the context of a replay to the functions that a script calls. The one file of this module that says
/// `unsafe`: a context cannot be stored, so for the time of a call its place is.
///
/// What changes with each call is here as well, without the checks of exclusive access that would cost more than
/// the call: no access lasts longer than its line, and a machine belongs to one thread.
@safe final class ContextSlot {
    @exclusivity(unchecked) private var pointer: UnsafeMutablePointer<ReplayContext>?
    @exclusivity(unchecked) private var phaseNow = ScriptPhase.load
    @exclusivity(unchecked) private var failureNow: LogError?
    @exclusivity(unchecked) private var failureIsPending = false
    @exclusivity(unchecked) private var handlerNow: Unmanaged<PreparedCallback>?

    /// What the script may do now.
    @inline(__always)
    var phase: ScriptPhase {
        get { unsafe phaseNow }
        set { unsafe phaseNow = newValue }
    }

    /// A failure of the replay that the script may have caught; the callback fails by it anyway.
    @inline(__always)
    var pendingFailure: LogError? {
        get { unsafe failureNow }
        set {
            unsafe failureNow = newValue
            unsafe failureIsPending = newValue != nil
        }
    }

    @inline(__always)
    var hasPendingFailure: Bool { unsafe failureIsPending }

    /// The replay function that runs.
    var handler: PreparedCallback? { unsafe handlerNow?.takeUnretainedValue() }

    /// Tells who runs, while `body` runs. Who calls this holds the handler until it returns.
    @inline(__always)
    func run(
        _ handler: PreparedCallback, _ body: () throws(LogError) -> LuaAnswer
    ) throws(LogError) -> LuaAnswer {
        let outer = unsafe handlerNow
        unsafe handlerNow = unsafe Unmanaged.passUnretained(handler)
        defer { unsafe handlerNow = outer }
        return try body()
    }

    /// Whether there is a context now.
    var isLent: Bool { unsafe pointer != nil }

    /// Lends `context` while `body` runs.
    func lend<Result>(
        _ context: inout ReplayContext, _ body: () throws(LogError) -> Result
    ) throws(LogError) -> Result {
        let outer = unsafe pointer
        defer { unsafe pointer = outer }
        return try unsafe withUnsafeMutablePointer(to: &context) { (place) throws(LogError) -> Result in
            unsafe pointer = place
            return try body()
        }
    }

    /// As `lend`, for the call of each item: it is not generic, which would cost as much as the call.
    @inline(__always)
    func lend(
        _ context: inout ReplayContext, asking body: () throws(LuaError) -> LuaAnswer
    ) throws(LuaError) -> LuaAnswer {
        let outer = unsafe pointer
        defer { unsafe pointer = outer }
        return try unsafe withUnsafeMutablePointer(to: &context) { (place) throws(LuaError) -> LuaAnswer in
            unsafe pointer = place
            return try body()
        }
    }

    /// Gives `body` the context; nil where none is lent. While it runs no script does, unless it is one that may
    /// not use the context: see `ScriptPhase`.
    func use<Result>(
        _ body: (inout ReplayContext) throws(LogError) -> Result
    ) throws(LogError) -> Result? {
        guard let place = unsafe pointer else { return nil }
        return try unsafe body(&place.pointee)
    }
}

/// The machine of a plugin's present run, what was prepared in it, and whether it is asked twice. Looked at for each
/// item, so it is here.
@safe final class PresentMachine {
    @exclusivity(unchecked) private var machineNow: PluginMachine
    @exclusivity(unchecked) private var verificationNow = DecisionVerification.off

    @exclusivity(unchecked) private var filterList: [PreparedCallback?] = []
    @exclusivity(unchecked) private var handlerList: [PreparedCallback?] = []

    init(_ machine: PluginMachine) {
        unsafe machineNow = machine
        self.machine = machine
    }

    @inline(__always)
    var machine: PluginMachine {
        get { unsafe machineNow }
        set {
            unsafe machineNow = newValue
            unsafe filterList = .init(repeating: nil, count: newValue.definition.policies.count)
            unsafe handlerList = .init(repeating: nil, count: newValue.definition.items.count)
        }
    }
    /// The filter of a policy, by its number, if it was prepared.
    @inline(__always)
    func filter(_ number: Int) -> PreparedCallback? { unsafe filterList[number] }

    func prepareFilter(_ number: Int, _ options: [PluginOption]) throws(LogError) -> PreparedCallback {
        let filter = try machine.prepareFilter(number, options)
        unsafe filterList[number] = filter
        return filter
    }

    /// The replay function of an item type, by its number, if it was prepared.
    @inline(__always)
    func handler(_ number: Int) -> PreparedCallback? { unsafe handlerList[number] }

    /// - Returns: nil where the type has none.
    func prepareHandler(_ number: Int, _ native: any ReplayHandler) throws(LogError) -> PreparedCallback? {
        let handler = try machine.prepareHandler(number, native)
        unsafe handlerList[number] = handler
        return handler
    }
    @inline(__always)
    var verification: DecisionVerification {
        get { unsafe verificationNow }
        set { unsafe verificationNow = newValue }
    }
}
