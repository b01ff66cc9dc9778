public import BtrfsFormat
public import BtrfsVolume

/// What the logs of a volume hold, and so what would be lost without them.
public struct LogSummary: Sendable {
    /// The generation of the superblock; the logs belong to the one after it.
    public var committedGeneration: Generation
    /// The root of the tree of logs.
    public var address: LogicalAddress
    /// The logs, one for each subvolume.
    public var subvolumes: [SubvolumeSummary]

    /// Reads all logs; nil when the volume has none.
    ///
    /// - Throws: `LogError` for a log that cannot be read.
    /// - Complexity: reads every log block once, and of the subvolumes what is needed to tell paths.
    public init?(of volume: Volume) throws(LogError) {
        guard let forest = try LogForest(of: volume) else { return nil }
        committedGeneration = volume.superblock.generation
        address = forest.roots.address
        subvolumes = []
        // Finds blocks that are part of the logs more than once, which would be read as often.
        let walk = LogWalk()
        let control = WalkControl(stage: .pin, process: VerifyBlocks())
        try walk.run(over: forest.roots, control)
        for entry in forest.entries.reversed() {
            let log = try forest.open(entry)
            try walk.run(over: log, control)
            let exists = try forest.hasSubvolume(entry)
            do {
                let tree = exists ? try volume.tree(entry.subvolume) : nil
                var reader = SummaryReader(entry.subvolume, log, committed: tree.map { Namespace($0) })
                try reader.read()
                subvolumes.append(reader.summary)
            } catch { throw LogError(from: error, at: LogPlace(subvolume: entry.subvolume)) }
        }
    }

    /// How many files exist only in the logs, and how many bytes of content do.
    public var newFileCount: Int { subvolumes.reduce(0) { $0 + $1.newFileCount } }
    /// Bytes of file content in the log, without holes.
    public var byteCount: UInt64 { subvolumes.reduce(0) { $0 &+ $1.byteCount } }
}

/// What the log of one subvolume holds.
public struct SubvolumeSummary: Sendable {
    /// The number of the subvolume.
    public var subvolume: ObjectID
    /// False for a subvolume that was deleted: its log is not replayed.
    public var exists: Bool
    /// The level of the root of the log tree.
    public var level: Int
    /// How many items of each key type the log has.
    public var itemCounts: [KeyType: Int] = [:]
    /// By ascending number.
    public var inodes: [InodeSummary] = []
    /// Names of the subvolume that the log says are gone.
    public var deletedNames: [LoggedName] = []

    /// How many inodes are in the log alone.
    public var newFileCount: Int { inodes.count { $0.change == .new } }
    /// Bytes of file content in the log, without holes.
    public var byteCount: UInt64 { inodes.reduce(0) { $0 &+ $1.byteCount } }
}

/// A name in a directory.
public struct LoggedName: Hashable, Sendable {
    /// The directory that has the name.
    public var directory: ObjectID
    /// The index of the name in the directory.
    public var index: UInt64
    /// The bytes of the name.
    public var name: [UInt8]
    /// The inode that has or had the name.
    public var inode: ObjectID
    /// The path of the directory within the subvolume; nil where it is not known.
    public var directoryPath: [UInt8]?

    /// The path within the subvolume; nil where that of the directory is not known.
    public var path: [UInt8]? {
        directoryPath.map { $0.isEmpty ? name : $0 + [UInt8(ascii: "/")] + name }
    }
}

/// What a log holds of one inode.
public struct InodeSummary: Sendable {
    /// What a replay does to an inode.
    public enum Change: Sendable {
        /// The inode is not in the subvolume.
        case new
        /// The inode is in the subvolume and in the log.
        case changed
        /// The log only says that the inode exists, so that other items can refer to it.
        case exists
        /// The inode had no name when it was logged; it is not replayed.
        case deleted
        /// The log has items of the inode, but no inode item.
        case itemsOnly
    }

    /// The number of the inode.
    public var inode: ObjectID
    /// What a replay does to it.
    public var change: Change = .itemsOnly
    /// File type and permissions; 0 where the log has no inode item.
    public var mode: UInt32 = 0
    /// The size by the log, in bytes.
    public var size: UInt64 = 0
    /// The size in the subvolume; nil for a new inode.
    public var committedSize: UInt64?
    /// The names that the log has for the inode, by its back references.
    public var names: [LoggedName] = []
    /// One path of it: by the log if that has a name, else by the subvolume.
    public var path: [UInt8]?
    /// How many items of extended attributes the log has of it.
    public var xattrCount = 0
    /// How many extents the log has of it.
    public var extentCount = 0
    /// Bytes of content that the log brings, holes not counted.
    public var byteCount: UInt64 = 0
    /// For a directory: names that the log holds in it.
    public var entryCount = 0

    init(inode: ObjectID) { self.inode = inode }

    /// The type by the logged mode.
    public var fileType: DirEntryType { DirEntryType(mode: mode) }
}
