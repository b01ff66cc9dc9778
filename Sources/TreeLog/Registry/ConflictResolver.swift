/// Decides conflicts of the kinds for which a policy names it.
///
/// A resolver is pure: no clock, no randomness, no I/O, and the same answer to the same conflict, because a
/// replay may be started again and then asks again.
public protocol ConflictResolver {
    /// What is to be done about a conflict. Which answers its kind allows stands at `ConflictKind`.
    ///
    /// - Throws: `LogError` to end the replay.
    func resolve(_ conflict: Conflict) throws(LogError) -> Resolution
}

/// A resolver that always gives the same answer, or the kernel's.
public struct FixedResolver: ConflictResolver {
    /// The answer; nil for what the built-in rules do.
    public let answer: Resolution?

    /// A resolver that answers `answer`, or where that is nil what the built-in rules do.
    public init(_ answer: Resolution?) { self.answer = answer }

    public func resolve(_ conflict: Conflict) throws(LogError) -> Resolution { answer ?? conflict.mainline }
}
