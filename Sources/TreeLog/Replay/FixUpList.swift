internal import BtrfsFormat

/// The inodes whose link count has to be counted at the end of a subvolume's replay.
///
/// Linux keeps the list as items in the subvolume and raises the link count of each inode by one so that it
/// survives; here it is kept in memory, and no inode is deleted before the count. The corresponding kernel
/// function is `link_to_fixup_dir`.
struct FixUpList {
    /// In order of arrival; while a log is replayed that is nearly ascending.
    private var inodes: ContiguousArray<UInt64> = []
    private var isSorted = true
    /// Where the next inode probably stands already: each pass over a log comes to its inodes in the same order.
    private var expected = 0

    mutating func insert(_ inode: ObjectID) {
        if expected < inodes.count, inodes[expected] == inode.rawValue {
            expected += 1
            return
        }
        if expected > 0, inodes[expected - 1] == inode.rawValue { return }
        if let last = inodes.last {
            if last == inode.rawValue { return }
            if last > inode.rawValue { isSorted = false }
        }
        inodes.append(inode.rawValue)
    }

    /// Takes the highest inode off the list.
    ///
    /// - Complexity: amortized O(log *n*) where few are inserted between calls.
    mutating func removeHighest() -> ObjectID? {
        if !isSorted {
            inodes.sort()
            isSorted = true
        }
        expected = 0
        guard let highest = inodes.popLast() else { return nil }
        while inodes.last == highest { inodes.removeLast() }
        return ObjectID(highest)
    }
}
