internal import BtrfsFormat

/// What is known of the file whose extents are being replayed. The extents of a log come in order, so most of
/// them lie behind all that the file has and need no search.
struct FileMemory {
    var inode = ObjectID(0)
    /// Where the last extent of the file ends: behind this there is nothing to drop.
    var end: UInt64 = 0
    /// What is to be added to the inode's count of bytes.
    var byteCountDelta: Int64 = 0
    /// Whether the file has checksums for its data.
    var hasChecksums = true
}

/// What does not change of an inode while the items of a log are replayed that come after its own.
struct InodeTraits {
    var inode: ObjectID
    var type = DirEntryType.unknown
    var flags: InodeFlags = []
}
