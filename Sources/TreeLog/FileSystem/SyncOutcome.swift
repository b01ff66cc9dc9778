/// What an `fsync` did to make a file durable.
public enum SyncOutcome: Sendable, Equatable {
    /// The changes went into the log. Of its blocks this many bytes were written, to each device or copy that has them.
    case logged(byteCount: UInt64)
    /// The whole transaction was committed, and why.
    case fullCommit(FullCommitReason)
    /// Everything was durable already.
    case nothingToDo
}
