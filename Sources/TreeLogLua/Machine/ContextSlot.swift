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
    @exclusivity(unchecked) private var nativeNow: (any ReplayHandler)?

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
        set { unsafe failureNow = newValue }
    }

    /// The handler that `context:native` goes on with.
    @inline(__always)
    var native: (any ReplayHandler)? {
        get { unsafe nativeNow }
        set { unsafe nativeNow = newValue }
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
    func lend(
        _ context: inout ReplayContext, choosing body: () throws(LuaError) -> LuaChoice
    ) throws(LuaError) -> LuaChoice {
        let outer = unsafe pointer
        defer { unsafe pointer = outer }
        return try unsafe withUnsafeMutablePointer(to: &context) { (place) throws(LuaError) -> LuaChoice in
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
