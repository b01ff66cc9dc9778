/// What a script, or the text of one, did wrong.
///
/// The kinds from `memory` on are limits: the script was stopped, and no `pcall` of its own could keep it
/// running. The machine stays usable after all of them but `totalInstructions`; `interrupted` lasts until
/// the interrupter is reset.
public struct LuaError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, or which limit was reached.
    public enum Kind: Sendable, Equatable {
        /// The text is no Lua, or it is bytecode, or too long.
        case syntax
        /// An error of the script.
        case runtime
        /// A Swift function failed, and the script let its error through: see `underlying`.
        case host
        /// More memory than `memoryBytes`, or a string longer than `stringBytes`.
        case memory
        /// More than `instructionsPerCall`.
        case instructions
        /// More than `instructionsInTotal`. The machine runs nothing more.
        case totalInstructions
        /// More than `outputBytes`.
        case output
        /// One pattern function took more than `patternSteps`.
        case pattern
        /// Functions call each other more deeply than `callDepth` or `hostDepth` allow.
        case depth
        /// Somebody called `LuaInterrupter.interrupt()`.
        case interrupted
    }

    /// What went wrong.
    public let kind: Kind
    /// What happened, after the script's file and line where they are known. At most 4 KiB.
    public let message: String
    /// The calls at that time, a line each, the innermost first; "" where there is nothing to tell. At most
    /// 4 KiB, with the middle of many calls left out.
    public let traceback: String
    /// The error of the Swift function, as it was thrown.
    public let underlying: (any Error)?

    /// An error as a machine would throw it, for tests and for who stands in for a machine.
    public init(kind: Kind, message: String, traceback: String = "", underlying: (any Error)? = nil) {
        self.kind = kind
        self.message = message
        self.traceback = traceback
        self.underlying = underlying
    }

    /// The innermost error that is not a Lua error: what Swift threw first where both call each other.
    public var rootCause: (any Error)? {
        var error = underlying
        while let inner = error as? LuaError { error = inner.underlying }
        return error
    }

    public var description: String { traceback.isEmpty ? message : "\(message)\n\(traceback)" }
}

/// An argument of a script that a Swift function cannot take. The script gets it as an error of its own.
public struct LuaArgumentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// In the words of Lua: `bad argument #1 to 'name' (…)`.
    public let description: String

    /// - Parameter place: counted from 0; the script reads it counted from 1.
    public init(argument place: Int, of function: String, _ problem: String) {
        description = "bad argument #\(place + 1) to '\(function)' (\(problem))"
    }
}
