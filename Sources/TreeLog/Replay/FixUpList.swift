internal import BtrfsFormat
internal import BtrfsVolume

/// The inodes whose link count has to be counted at the end of a subvolume's replay.
///
/// Linux keeps the list as items in the subvolume and raises the link count of each inode by one so that it
/// survives; here it is kept in memory, and no inode is deleted before the count. Most inodes of a log are new files
/// with one name, whose count is known to be right before it is taken. The corresponding kernel function is
/// `link_to_fixup_dir`.
struct FixUpList {
    private enum State {
        case toCount
        /// The replay made the inode, with a link count of one; it has no reference yet.
        case needsOneName
        /// The inode got its one reference, and nothing else happened to it.
        case isRight
    }

    /// In order of arrival; while a log is replayed that is nearly ascending. An inode may be there several times.
    private var entries: [(inode: UInt64, state: State)] = []
    private var isSorted = true
    /// Where the next inode probably stands already: each pass over a log comes to its inodes in the same order.
    private var expected = 0
    /// Somebody added or changed references past this list.
    private var countsAll = false

    /// Has the links of an inode counted.
    mutating func insert(_ inode: ObjectID) {
        if let place = place(of: inode) { entries[place].state = .toCount } else { append(inode, .toCount) }
    }

    /// Puts an inode on the list of which the replay just put the first item, with this link count.
    mutating func insert(new inode: ObjectID, linkCount: UInt32) {
        append(inode, linkCount == 1 ? .needsOneName : .toCount)
    }

    /// Notes that an inode got an item with this many references, where it had none under that key.
    mutating func noteReferences(_ count: Int, of inode: ObjectID) {
        guard let place = place(of: inode) else { return append(inode, .toCount) }
        entries[place].state = entries[place].state == .needsOneName && count == 1 ? .isRight : .toCount
    }

    /// Has the links of all inodes on the list counted.
    mutating func countAll() { countsAll = true }

    /// Where the inode stands, if that is where the pass over the log has come to.
    private mutating func place(of inode: ObjectID) -> Int? {
        if expected < entries.count, entries[expected].inode == inode.rawValue {
            expected += 1
        } else if expected == 0 || entries[expected - 1].inode != inode.rawValue {
            return nil
        }
        return expected - 1
    }

    private mutating func append(_ inode: ObjectID, _ state: State) {
        if let last = entries.last {
            if last.inode == inode.rawValue { return entries[entries.count - 1].state = .toCount }
            if last.inode > inode.rawValue { isSorted = false }
        }
        entries.appendToLongList((inode.rawValue, state))
    }

    /// Takes the highest inode off the list whose links have to be counted.
    ///
    /// - Complexity: amortized O(log *n*) where few are inserted between calls.
    mutating func removeHighest() -> ObjectID? {
        if !isSorted {
            entries.sort { $0.inode < $1.inode }
            isSorted = true
        }
        expected = 0
        while let highest = entries.popLast() {
            var isRight = highest.state == .isRight
            while let same = entries.last, same.inode == highest.inode {
                entries.removeLast()
                isRight = false
            }
            if !isRight || countsAll { return ObjectID(highest.inode) }
        }
        return nil
    }
}
