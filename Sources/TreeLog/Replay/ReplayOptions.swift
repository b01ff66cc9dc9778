internal import BlockDevices
public import BtrfsFormat

/// What else a replay needs to know.
public struct ReplayOptions {
    /// The change time of inodes that lose a name in the replay. With a fixed one the result depends on the
    /// image alone.
    public var now: Timestamp
    /// Called at most once for each log block of each stage.
    public var progress: ((Progress) -> Void)?

    /// Whether the log of a subvolume may go of which a policy leaves out everything, since nothing of it can be
    /// read. Otherwise the replay fails, and the volume keeps all its logs.
    public var givesUpLogs: Bool

    /// Options; those that are not given are the usual ones.
    public init(now: Timestamp = .current, givesUpLogs: Bool = false, progress: ((Progress) -> Void)? = nil) {
        self.now = now
        self.givesUpLogs = givesUpLogs
        self.progress = progress
    }
}

extension Timestamp {
    /// The time of the system's clock.
    public static var current: Timestamp {
        let now = SystemClock.now
        return Timestamp(seconds: now.seconds, nanoseconds: now.nanoseconds)
    }
}
