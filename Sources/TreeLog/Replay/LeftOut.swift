internal import BtrfsFormat

/// What a replay passes over in the log of one subvolume, because a policy said so.
struct LeftOut {
    private(set) var inodes: Set<ObjectID> = []
    private(set) var ranges: [ClosedRange<UInt64>] = []
    private(set) var items: Set<ItemPlace> = []
    private(set) var hasLog = false
    private(set) var things: [SkippedThing] = []

    struct ItemPlace: Hashable {
        var block: LogicalAddress
        var slot: Int
    }

    var isEmpty: Bool { things.isEmpty }

    /// - Returns: false when that was left out already, so that trying again would not help.
    mutating func insert(_ thing: SkippedThing) -> Bool {
        let isNew: Bool
        switch thing.what {
        case .log:
            isNew = !hasLog
            hasLog = true
        case .inode(let inode):
            isNew = inodes.insert(inode).inserted
        case .inodes(let range):
            isNew = !ranges.contains(range)
            if isNew { ranges.append(range) }
        case .item(let place):
            guard let block = place.block, let slot = place.slot else { return false }
            isNew = items.insert(ItemPlace(block: block, slot: slot)).inserted
        case .name:
            isNew = false
        }
        if isNew { things.append(thing) }
        return isNew
    }

    func contains(_ inode: ObjectID) -> Bool {
        inodes.contains(inode) || ranges.contains { $0.contains(inode.rawValue) }
    }

    func contains(_ block: LogicalAddress, _ slot: Int) -> Bool {
        items.contains(ItemPlace(block: block, slot: slot))
    }
}
