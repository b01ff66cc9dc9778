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
    /// The log transaction of its subvolume in which the inode was changed last.
    var lastSubTransid: UInt64 = 0
    /// The log transaction that was the last one to be durable when the inode was changed last.
    var lastLogCommit: UInt64 = 0
    /// The transaction in whose log the inode is.
    var loggedTransid: Generation = 0
    /// The transaction in which the inode lost a name last; of a directory, in which it lost one of its names.
    var lastUnlinkTransid: Generation = 0
    /// The transaction in which extents of other places came into the file last.
    var lastReflinkTransid: Generation = 0
    /// Whether the next fsync has to log all items, because it is not known which changed.
    var needsFullSync = false
    /// Whether the next fsync has to log extended attributes and references too, not only the inode and its extents.
    var copyEverything = true
    /// The parts of the file that changed since it was logged last, in whole sectors.
    var modifiedExtents = RangeSet()
    /// Of a directory: the index for its next name; nil when it is not known yet.
    var nextDirectoryIndex: UInt64?
    /// Of a directory: the index of the last name that is in the log.
    var lastDirIndexOffset: UInt64 = 0
    /// How often the file is open.
    var openCount = 0

    init(_ location: FileLocation, generation: Generation) {
        self.location = location
        self.generation = generation
    }

    /// Notes that the inode was changed.
    func noteChange(in transid: Generation) { lastTransid = transid }
}
