/// What a machine grants its script. A limit is a safety net, and not a way to pace a script: whether a
/// script that comes close to one runs into it may differ a little between runs, because how Lua's hash
/// tables grow follows a seed of its own.
public struct LuaLimits: Sendable {
    /// Of all that the script holds.
    public var memoryBytes = 64 << 20
    /// Of one string. Comparing two strings is one instruction however long they are, so this bounds how long an
    /// instruction takes; while a function has strings of more than 4 KiB at hand, its instructions count for more.
    public var stringBytes = 1 << 20
    /// Of one text to load.
    public var sourceBytes = 256 << 10
    /// Of a string that a pattern is matched against.
    public var patternSubjectBytes = 64 << 10
    /// Attempts at a character that one call of `find`, `match`, `gsub` or an iteration of `gmatch` may take.
    /// They count as instructions too.
    public var patternSteps: Int64 = 1_000_000
    /// Of one outermost call with all that it calls. Counted in steps of 1,000 at most; work of library
    /// functions and the bytes they move count as well. 10 million take about 0.1 s.
    public var instructionsPerCall: Int64 = 10_000_000
    /// Of all calls.
    public var instructionsInTotal: Int64 = 100_000_000_000
    /// That `LuaVM.countOutput` grants.
    public var outputBytes = 16 << 20
    /// Lua functions that call each other. Looked at every 1,000 instructions.
    public var callDepth = 1_000
    /// Calls into Lua from Swift functions that Lua called.
    public var hostDepth = 16
    /// Tables within tables, in what Swift reads whole.
    public var treeDepth = 16
    /// Keys and values in what Swift reads whole.
    public var treeEntries = 100_000

    /// Stops all machines that have it, from another thread; nil for one of each machine's own.
    public var interrupter: LuaInterrupter?

    /// Limits that suffice for a plugin which is called for each item of a log.
    public init() {}
}
