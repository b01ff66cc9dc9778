internal import BtrfsFormat
internal import BtrfsVolume

/// What is remembered of an inode in memory, beside its items: what the log has to know to write only what changed.
///
/// The corresponding kernel structure is `btrfs_inode`.
final class InodeState {
    /// Which inode it is.
    let location: FileLocation
    /// The transaction in which the inode was created.
    let generation: Generation
    /// The transaction that changed the inode last.
    var lastTransid: Generation = 0
    /// Whether the inode was changed since all of it went into a log.
    private(set) var isChangedSinceLog = false
    /// The transaction in whose log the inode is.
    var loggedTransid: Generation = 0
    /// The number of the log in which all of the inode was put last.
    private(set) var logTransid: UInt64 = 0
    /// The transaction in which a file was moved out of this directory, or this file was moved or lost a name.
    var lastUnlinkTransid: Generation = 0
    /// The transaction in which a file was moved out of this directory, or a subvolume deleted from it.
    var lastMoveTransid: Generation = 0
    /// The transaction in which the inode got one more name last.
    var lastLinkTransid: Generation = 0
    /// The transaction in which extents of other places came into the file last.
    var lastReflinkTransid: Generation = 0
    /// Whether the next fsync has to log names, extended attributes and items of plugins anew, also when the inode is
    /// in the log.
    var copyEverything = false
    /// The parts of the file that changed since it was logged last, in whole sectors.
    var modifiedExtents = RangeSet()
    /// The items of plugins that were put or deleted since the last commit.
    var changedItems: Set<Key> = []
    /// Of a directory: the index for its next name; nil when it is not known yet.
    var nextDirectoryIndex: UInt64?
    /// Of a directory: the indexes of the names that went in the running transaction.
    var removedIndexes = RangeSet()
    /// Of a directory: the index of the last name that is in the log.
    var lastDirIndexOffset: UInt64 = 0
    /// How often the file is open.
    var openCount = 0

    init(_ location: FileLocation, generation: Generation) {
        self.location = location
        self.generation = generation
    }

    /// Notes that the inode was changed.
    func noteChange(in transid: Generation) {
        lastTransid = transid
        isChangedSinceLog = true
    }

    /// Whether there is something that an fsync would make durable.
    func needsLogging(in transid: Generation) -> Bool { lastTransid == transid && isChangedSinceLog }

    /// Notes that all of the inode is in the log.
    ///
    /// - Parameter log: the number of that log.
    func noteLogged(in log: UInt64) {
        logTransid = log
        isChangedSinceLog = false
        copyEverything = false
        modifiedExtents = RangeSet()
    }

    /// Forgets what counted for one transaction only.
    func noteCommit() {
        noteLogged(in: 0)
        removedIndexes = RangeSet()
        changedItems = []
    }
}
