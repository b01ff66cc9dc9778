/// Why an `fsync` was a commit of everything instead of a write of the log.
public enum FullCommitReason: String, Sendable, CaseIterable {
    /// The volume was mounted without the log.
    case logNotUsed
}
