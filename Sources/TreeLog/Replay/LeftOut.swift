internal import BtrfsFormat
internal import BtrfsVolume

/// What a replay passes over in the log of one subvolume, because a policy said so.
struct LeftOut {
    private(set) var things: [SkippedThing] = []
    /// Whether the log is left out as a whole.
    private(set) var hasLog = false
    private var inodes: Set<ObjectID> = []
    private var ranges: Set<ClosedRange<UInt64>> = []
    /// The same ranges joined, so that a look-up costs little however many there are.
    private var covered = RangeSet()
    private var items: Set<ItemPlace> = []

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
            isNew = ranges.insert(range).inserted
            // Inodes end long before the last number.
            if range.upperBound < .max { covered.insert(range.lowerBound..<range.upperBound + 1) }
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
        let number = inode.rawValue
        return inodes.contains(inode) || (number < .max && covered.contains(number..<number + 1))
    }

    /// Whether just this range was left out.
    func contains(_ range: ClosedRange<UInt64>) -> Bool { ranges.contains(range) }

    func contains(_ block: LogicalAddress, _ slot: Int) -> Bool {
        items.contains(ItemPlace(block: block, slot: slot))
    }
}
