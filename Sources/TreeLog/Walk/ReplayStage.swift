/// The passes of a replay. Each one is made over the logs of all subvolumes before the next begins; only the
/// link counts of a subvolume follow directly on the last leaf of its log in `everything`.
///
/// The corresponding kernel constants are `LOG_WALK_*`.
public enum ReplayStage: Int, CaseIterable, Comparable, Sendable {
    /// Collects the blocks of all logs, so that nothing new is put over them.
    case pin
    /// Inode items, the extended attributes and names that the log says are gone.
    case inodes
    /// The names in logged directories.
    case directoryIndex
    /// All other items.
    case everything
    /// Link counts become the number of names.
    case linkCounts

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

extension ReplayStage: CustomStringConvertible {
    public var description: String {
        switch self {
        case .pin: "pin"
        case .inodes: "inodes"
        case .directoryIndex: "directory index"
        case .everything: "everything"
        case .linkCounts: "link counts"
        }
    }
}
