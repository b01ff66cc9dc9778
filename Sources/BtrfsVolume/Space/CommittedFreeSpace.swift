/// What is free in the block groups of a volume, as of its last commit: in those that somebody looked at. Each commit
/// changes it, so that the next transaction need not read the extent tree again.
package struct CommittedFreeSpace {
    /// By the start of the block group.
    private var groups: [UInt64: RangeSet] = [:]

    /// Whether nobody has looked at any block group.
    package var isEmpty: Bool { groups.isEmpty }

    /// What is free in a block group; nil when nobody has looked yet.
    package subscript(group: Range<UInt64>) -> RangeSet? { groups[group.lowerBound] }

    /// Notes what the trees say.
    mutating func note(_ free: RangeSet, of group: Range<UInt64>) { groups[group.lowerBound] = free }

    /// Brings what is known up to date after a commit.
    mutating func apply(_ changes: FreeSpaceChanges) {
        for group in changes.newGroups {
            var free = RangeSet()
            free.insert(group)
            groups[group.lowerBound] = free
        }
        for change in changes.list {
            if change.isFree {
                groups[change.group]?.insert(change.range)
            } else {
                groups[change.group]?.remove(change.range)
            }
        }
    }
}

/// What a transaction makes of the free space, in the order in which the free space tree learns of it. It counts once
/// the commit is durable: what is freed may not be used before.
struct FreeSpaceChanges {
    /// The block groups of new chunks, free at first.
    private(set) var newGroups: [Range<UInt64>] = []
    private(set) var list: [(range: Range<UInt64>, group: UInt64, isFree: Bool)] = []

    mutating func noteNewGroup(_ group: Range<UInt64>) { newGroups.append(group) }

    mutating func note(_ range: Range<UInt64>, of group: Range<UInt64>, isFree: Bool) {
        list.append((range, group.lowerBound, isFree))
    }
}
