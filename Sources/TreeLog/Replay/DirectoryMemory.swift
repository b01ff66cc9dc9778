public import BtrfsFormat

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
