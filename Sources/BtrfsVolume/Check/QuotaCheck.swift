internal import BtrfsFormat

/// What quotas say is used.
///
/// Simple quotas charge each extent to the subvolume that allocated it, which can be counted. Full quotas count what
/// is shared, which takes a walk over all references of all extents; they are not counted anew.
struct QuotaCheck {
    private var status: QgroupStatus?
    private var groups: [UInt64: (info: QgroupInfo, place: CheckPlace)] = [:]
    private var charged: [ObjectID: [Generation: UInt64]] = [:]

    /// Counts a data extent for its owner.
    mutating func count(_ bytes: UInt64, for root: ObjectID, generation: Generation) {
        add(bytes, root, generation)
    }

    /// Counts a tree block for the subvolume that wrote it.
    mutating func countBlock(_ bytes: UInt64, for root: ObjectID, generation: Generation) {
        if root.isSubvolume { add(bytes, root, generation) }
    }

    /// From which generation on extents are charged is known only later.
    private mutating func add(_ bytes: UInt64, _ root: ObjectID, _ generation: Generation) {
        charged[root, default: [:]][generation, default: 0] &+= bytes
    }

    /// Reads a leaf of the quota tree.
    mutating func read(_ leaf: CheckedBlock, _ run: CheckRun) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            let key = leaf.block.key(at: slot)
            let data = leaf.block.data(at: slot)
            if key.type == .qgroupStatus { status = try? QgroupStatus(data) }
            if key.type == .qgroupInfo, let info = try? QgroupInfo(data) {
                groups[key.offset] = (info, leaf.place(slot, .quotaTree))
            }
        }
    }

    /// Compares what was charged with what is there.
    func compare(_ run: CheckRun) {
        guard let status, status.flags.contains(.on) else { return }
        if status.flags.contains(.inconsistent) || status.flags.contains(.rescan) {
            return run.sink.note(
                .quota, CheckPlace(tree: .quotaTree), "quotas are marked as inconsistent, and not compared")
        }
        guard status.flags.contains(.simple) else {
            return run.sink.note(.quota, CheckPlace(tree: .quotaTree), "full quotas are not counted anew")
        }
        if !run.incomplete.isEmpty { return }
        let first = status.enableGeneration ?? 0
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) where id >> 48 == 0 {
            let bytes = (charged[ObjectID(id)] ?? [:]).reduce(UInt64(0)) { sum, part in
                part.key >= first ? sum &+ part.value : sum
            }
            if group.info.referenced != bytes || group.info.exclusive != bytes {
                run.sink.error(
                    .quota, group.place,
                    "\(group.info.referenced) bytes are charged, \(group.info.exclusive) of them alone; "
                        + "the extents have \(bytes)")
            }
        }
    }
}

extension CheckRun {
    func checkQuotas() { quotas.compare(self) }
}
