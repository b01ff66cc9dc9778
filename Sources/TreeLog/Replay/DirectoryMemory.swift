public import BtrfsFormat
internal import BtrfsVolume

/// What is known of a directory in the subvolume, so that adding names in order asks the tree only once.
public struct DirectoryState: Sendable {
    /// The directory.
    public var inode: ObjectID
    /// No name of the directory has an index above this one; 0 when it never had a name.
    public var highestIndex: UInt64
    /// Whether the directory may have names.
    public var mayHaveNames: Bool
}

/// The directories used last. Entries are never wrong: the highest index is only ever raised, and inodes do not
/// go away during a replay.
struct DirectoryMemory {
    private var states: ContiguousArray<DirectoryState?>

    init() { states = ContiguousArray(repeating: nil, count: 64) }

    private static func slot(_ inode: ObjectID) -> Int { Int(truncatingIfNeeded: inode.rawValue & 63) }

    @inline(__always)
    func state(of inode: ObjectID) -> DirectoryState? {
        guard let state = states[Self.slot(inode)], state.inode == inode else { return nil }
        return state
    }

    mutating func note(_ state: DirectoryState) { states[Self.slot(state.inode)] = state }

    mutating func noteName(in inode: ObjectID, index: UInt64) {
        let slot = Self.slot(inode)
        guard var state = states[slot], state.inode == inode else { return }
        state.mayHaveNames = true
        state.highestIndex = max(state.highestIndex, index)
        states[slot] = state
    }

    mutating func removeAll() {
        for slot in states.indices { states[slot] = nil }
    }
}

/// By how much directories have grown since their inode items were changed: a directory gets many names, and one
/// change of its item is enough for all of them.
struct DirectoryGrowth {
    private struct Entry {
        var directory = ObjectID(0)
        var byteCount: Int64 = 0
        var nameCount: UInt64 = 0
    }

    /// Each directory has its place, which it shares with others.
    private var entries = ContiguousArray(repeating: Entry(), count: 64)

    private static func slot(_ directory: ObjectID) -> Int { Int(truncatingIfNeeded: directory.rawValue & 63) }

    mutating func noteName(
        in directory: ObjectID, byteCount: Int, _ names: Namespace
    ) throws(VolumeError) {
        let slot = Self.slot(directory)
        if entries[slot].directory != directory {
            try store(slot, in: names)
            entries[slot].directory = directory
        }
        entries[slot].byteCount += 2 * Int64(byteCount)
        entries[slot].nameCount += 1
    }

    /// What the item of a directory says once its growth is stored.
    func add(to item: inout InodeItem, of directory: ObjectID, in generation: Generation) {
        let entry = entries[Self.slot(directory)]
        guard entry.directory == directory, entry.nameCount > 0 else { return }
        item.size &+= UInt64(bitPattern: entry.byteCount)
        item.sequence &+= entry.nameCount
        item.transid = generation
    }

    mutating func store(in names: Namespace) throws(VolumeError) {
        for slot in entries.indices { try store(slot, in: names) }
    }

    private mutating func store(_ slot: Int, in names: Namespace) throws(VolumeError) {
        let entry = entries[slot]
        entries[slot] = Entry()
        guard entry.nameCount > 0 else { return }
        try names.changeSize(of: entry.directory, by: entry.byteCount, nameCount: entry.nameCount)
    }
}
