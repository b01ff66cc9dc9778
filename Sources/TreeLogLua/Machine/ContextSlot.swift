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
    @exclusivity(unchecked) private var handlerNow: PreparedCallback?
    @exclusivity(unchecked) private var filterList: [PreparedCallback?] = []
    @exclusivity(unchecked) private var handlerList: [PreparedCallback?] = []

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
    @inline(__always)
    var handler: PreparedCallback? {
        get { unsafe handlerNow }
        set { unsafe handlerNow = newValue }
    }

    /// Prepared filters and replay functions, by the numbers of policies and item types.
    @inline(__always)
    var filters: [PreparedCallback?] {
        get { unsafe filterList }
        set { unsafe filterList = newValue }
    }
    @inline(__always)
    var handlers: [PreparedCallback?] {
        get { unsafe handlerList }
        set { unsafe handlerList = newValue }
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

/// The machine of a plugin's present run, and whether it is asked twice. Looked at for each item, so it is here.
@safe final class PresentMachine {
    @exclusivity(unchecked) private var machineNow: PluginMachine
    @exclusivity(unchecked) private var verificationNow = DecisionVerification.off

    init(_ machine: PluginMachine) { unsafe machineNow = machine }

    @inline(__always)
    var machine: PluginMachine {
        get { unsafe machineNow }
        set { unsafe machineNow = newValue }
    }
    @inline(__always)
    var verification: DecisionVerification {
        get { unsafe verificationNow }
        set { unsafe verificationNow = newValue }
    }
}
