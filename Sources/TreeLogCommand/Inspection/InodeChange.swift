internal import BtrfsFormat
internal import BtrfsVolume

/// What the log of a subvolume does to one inode: the difference between the volume without its log and the volume
/// after the replay.
struct InodeChange {
    enum Kind: String, CaseIterable {
        /// The inode is new.
        case created
        /// The inode lost its last name.
        case deleted
        /// A name went and another one came.
        case renamed
        /// A further name came, or one of several went.
        case linked, unlinked
        case size
        /// There is data that was not there before.
        case data
        case xattrs
        /// Mode, owner, group, flags or device number.
        case attributes
        /// Nothing but times, and what follows from other changes: the size of a directory, the link count.
        case times
    }

    var inode: ObjectID
    var type: DirEntryType
    /// After the replay, or for what the replay deletes before it; nil for an inode without a name.
    var path: [UInt8]?
    var kinds: [Kind] = []
    var sizeBefore: UInt64?
    var sizeAfter: UInt64?
    /// Bytes of data that were not there before.
    var dataByteCount: UInt64 = 0
    /// Paths that came and went.
    var addedNames: [[UInt8]] = []
    var removedNames: [[UInt8]] = []
    var setXattrs: [[UInt8]] = []
    var removedXattrs: [[UInt8]] = []

    /// Whether somebody would miss something if the log were lost.
    var matters: Bool { !kinds.isEmpty && kinds != [.times] }
}

/// The changes of one subvolume.
struct SubvolumeChanges {
    var subvolume: ObjectID
    var path: [UInt8]?
    /// Why the log was not replayed; nil when it was.
    var reasonNotReplayed: String?
    var changes: [InodeChange] = []
}

/// Changes added up.
struct ChangeTotals {
    private(set) var counts: [InodeChange.Kind: Int] = [:]
    private(set) var createdFileCount = 0
    private(set) var createdDirectoryCount = 0
    /// Files that were there before and have new data.
    private(set) var rewrittenFileCount = 0
    private(set) var dataByteCount: UInt64 = 0

    init(_ subvolumes: [SubvolumeChanges]) {
        for change in subvolumes.lazy.flatMap(\.changes) { add(change) }
    }

    private mutating func add(_ change: InodeChange) {
        dataByteCount &+= change.dataByteCount
        for kind in change.kinds {
            // Of names each counts, of all else each inode.
            switch kind {
            case .linked: counts[kind, default: 0] += change.addedNames.count
            case .unlinked: counts[kind, default: 0] += change.removedNames.count
            default: counts[kind, default: 0] += 1
            }
        }
        if change.kinds.contains(.created) {
            if change.type == .directory { createdDirectoryCount += 1 } else { createdFileCount += 1 }
        } else if change.kinds.contains(.data) {
            rewrittenFileCount += 1
        }
    }

    subscript(kind: InodeChange.Kind) -> Int { counts[kind] ?? 0 }
}
