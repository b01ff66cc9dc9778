internal import BtrfsFormat

/// Which subvolumes use which extents.
///
/// Many extents are used by the same subvolumes, so each extent has the number of a set of them, and each set is told
/// by a smaller one and the subvolume that came last: the time to note a use is logarithmic, and the memory grows with
/// the extents and not with their uses.
struct SharedUse {
    private struct Extent {
        var address: UInt64
        var byteCount: UInt64
        var users: UInt32 = 0
    }
    /// A set of subvolumes: those of another set and one more.
    private struct Users: Hashable {
        var others: UInt32
        var last: ObjectID
    }

    /// By ascending address, as the extent tree has them unless it is damaged.
    private var extents: [Extent] = []
    /// The sets; the first one is empty.
    private var sets = [Users(others: 0, last: ObjectID(0))]
    private var numbers: [Users: UInt32] = [:]

    /// Adds the next extent.
    mutating func append(_ address: UInt64, byteCount: UInt64) {
        extents.append(Extent(address: address, byteCount: byteCount))
    }

    /// Notes that a subvolume uses an extent. The uses of one subvolume are noted before those of the next one.
    mutating func note(_ subvolume: ObjectID, uses address: UInt64) {
        var (low, high) = (0, extents.count)
        while low < high {
            let middle = (low &+ high) / 2
            if extents[middle].address < address { low = middle &+ 1 } else { high = middle }
        }
        guard low < extents.count, extents[low].address == address else { return }
        let old = extents[low].users
        if sets[Int(old)].last == subvolume { return }
        let users = Users(others: old, last: subvolume)
        if let known = numbers[users] {
            extents[low].users = known
        } else {
            let new = UInt32(sets.count)
            sets.append(users)
            numbers[users] = new
            extents[low].users = new
        }
    }

    /// For each set of subvolumes that use an extent together, how many bytes only they use.
    func forEachSet(_ body: ([ObjectID], UInt64) -> Void) {
        var totals = [UInt64](repeating: 0, count: sets.count)
        for extent in extents { totals[Int(extent.users)] &+= extent.byteCount }
        for (number, total) in totals.enumerated() where number > 0 && total > 0 {
            var members: [ObjectID] = []
            var rest = number
            while rest > 0 {
                members.append(sets[rest].last)
                rest = Int(sets[rest].others)
            }
            body(members, total)
        }
    }
}
