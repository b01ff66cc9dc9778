public import BtrfsFormat

/// How a volume is mounted.
public struct MountOptions {
    /// Whether operations that change something fail with EROFS. A log is then replayed in memory only.
    public var isReadOnly = false
    /// Whether `fsync` may use the log; else each is a full commit. The corresponding mount option is `notreelog`.
    public var usesTreeLog = true
    /// What is registered: item types, policies.
    public var registry = Registry.mainline
    /// The policy by which a log that is there is replayed.
    public var policy = Policy.mainlineName
    /// Gives the time of each operation. The default starts in 2023 and goes on by a second with each operation, so
    /// that the same operations make the same volume.
    public var clock: () -> Timestamp = Self.steppingClock()
    /// The owner of new files.
    public var uid: UInt32 = 0
    /// The group of new files.
    public var gid: UInt32 = 0
    /// Files up to this size keep their content in the tree, if it is less than a sector. The corresponding mount
    /// option is `max_inline`.
    public var maximumInlineByteCount = 2048

    /// The usual options.
    public init() {}

    /// A clock that goes on by a second each time it is read.
    public static func steppingClock(from start: Int64 = 1_700_000_000) -> () -> Timestamp {
        var seconds = start
        return {
            seconds += 1
            return Timestamp(seconds: seconds, nanoseconds: 0)
        }
    }
}
