internal import BtrfsFormat

/// What quotas say is used.
///
/// Simple quotas charge each extent to the subvolume that allocated it. Full quotas say of each group how much the
/// subvolumes in it use, and how much nobody else uses.
struct QuotaCheck {
    private var status: QgroupStatus?
    private var groups: [UInt64: (info: QgroupInfo, place: CheckPlace)] = [:]
    /// The groups directly above each group.
    private var parents: [UInt64: [UInt64]] = [:]
    private var relations: [(low: UInt64, high: UInt64, isFromLow: Bool, place: CheckPlace)] = []
    private var charged: [ObjectID: [Generation: UInt64]] = [:]
    /// Who uses what; nil where that is not to be counted.
    private(set) var use: SharedUse?

    /// Finds out what is to be counted.
    mutating func begin(_ volume: Volume) {
        guard let tree = try? volume.tree(.quotaTree), let data = try? tree.find(QuotaUpdates.statusKey) else { return }
        status = try? QgroupStatus(data)
        guard let flags = status?.flags, flags.contains(.on) else { return }
        if flags.isDisjoint(with: [.simple, .inconsistent, .rescan]) { use = SharedUse() }
    }

    // MARK: Extents

    /// Adds the next extent of the extent tree.
    mutating func append(_ address: UInt64, byteCount: UInt64) { use?.append(address, byteCount: byteCount) }

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

    /// Notes that a subvolume uses a block, and the extents that it names.
    mutating func note(_ block: CheckedBlock, of subvolume: ObjectID) {
        guard use != nil, subvolume.isSubvolume else { return }
        use?.note(subvolume, uses: block.address.rawValue)
        guard block.level == 0 else { return }
        for slot in 0..<block.count where block.block.key(at: slot).type == .extentData && !block.isDamaged(slot) {
            guard let extent = try? FileExtent(block.block.data(at: slot)), !extent.isInline, !extent.isHole else {
                continue
            }
            use?.note(subvolume, uses: extent.diskAddress.rawValue)
        }
    }

    // MARK: The quota tree

    /// Reads a leaf of the quota tree.
    mutating func read(_ leaf: CheckedBlock, _ run: CheckRun) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            let key = leaf.block.key(at: slot)
            let place = leaf.place(slot, .quotaTree)
            switch key.type {
            case .qgroupRelation:
                let (one, other) = (key.objectID.rawValue, key.offset)
                relations.append((min(one, other), max(one, other), one < other, place))
            case .qgroupStatus, .qgroupInfo, .qgroupLimit:
                if key.objectID.rawValue != 0 {
                    run.sink.error(.quota, place, "the item is under object \(key.objectID), not 0")
                } else if key.type == .qgroupInfo, let info = try? QgroupInfo(leaf.block.data(at: slot)) {
                    groups[key.offset] = (info, place)
                }
            default: break
            }
        }
    }

    /// Compares what was counted with what is there.
    mutating func compare(_ run: CheckRun) {
        guard let status, status.flags.contains(.on) else { return }
        if !run.incomplete.isEmpty { return }
        compareRelations(run)
        if !status.flags.isDisjoint(with: [.inconsistent, .rescan]) {
            return run.sink.note(
                .quota, CheckPlace(tree: .quotaTree), "quotas are marked as inconsistent, and not compared")
        }
        let counted: [UInt64: Usage]
        if let use {
            // Linux takes what a subvolume that is being deleted still has off its group when it is done.
            if run.roots.contains(where: { $0.id.isSubvolume && $0.item.refs == 0 }) {
                return run.sink.note(
                    .quota, CheckPlace(tree: .quotaTree), "a subvolume is being deleted: quotas are not compared")
            }
            counted = usage(use)
        } else {
            counted = charges(from: status.enableGeneration ?? 0)
        }
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) where use != nil || id >> 48 == 0 {
            let found = counted[id] ?? Usage()
            if group.info.referenced != found.referenced || group.info.exclusive != found.exclusive {
                run.sink.error(
                    .quota, group.place,
                    "\(group.info.referenced) bytes are counted, \(group.info.exclusive) of them alone; "
                        + "the extents have \(found.referenced) and \(found.exclusive)")
            }
        }
    }

    /// Each relation stands with both of its groups.
    private mutating func compareRelations(_ run: CheckRun) {
        var sides: [[UInt64]: Int] = [:]
        for relation in relations {
            sides[[relation.low, relation.high], default: 0] += relation.isFromLow ? 1 : -1
            if relation.isFromLow { parents[relation.low, default: []].append(relation.high) }
        }
        for relation in relations {
            if groups[relation.low] == nil || groups[relation.high] == nil {
                run.sink.error(.quota, relation.place, "a relation of a quota group that is not there")
            } else if sides[[relation.low, relation.high]] != 0 {
                run.sink.error(.quota, relation.place, "only one of the two groups knows of this relation")
            }
        }
    }

    // MARK: Counting

    private struct Usage {
        var referenced: UInt64 = 0
        var exclusive: UInt64 = 0
    }

    /// What is charged to subvolumes with simple quotas.
    private func charges(from first: Generation) -> [UInt64: Usage] {
        var result: [UInt64: Usage] = [:]
        for (subvolume, parts) in charged {
            let bytes = parts.reduce(UInt64(0)) { sum, part in part.key >= first ? sum &+ part.value : sum }
            result[subvolume.rawValue] = Usage(referenced: bytes, exclusive: bytes)
        }
        return result
    }

    /// What groups use with full quotas.
    private func usage(_ use: SharedUse) -> [UInt64: Usage] {
        var result: [UInt64: Usage] = [:]
        var known: [ObjectID: Set<UInt64>] = [:]
        use.forEachSet { subvolumes, bytes in
            var members: [UInt64: Int] = [:]
            for subvolume in subvolumes {
                let groups = known[subvolume] ?? self.groups(over: subvolume)
                known[subvolume] = groups
                for group in groups { members[group, default: 0] += 1 }
            }
            for (group, count) in members {
                result[group, default: Usage()].referenced &+= bytes
                if count == subvolumes.count { result[group, default: Usage()].exclusive &+= bytes }
            }
        }
        return result
    }

    /// The group of a subvolume and all that it is in.
    private func groups(over subvolume: ObjectID) -> Set<UInt64> {
        var result: Set<UInt64> = [subvolume.rawValue]
        var open = [subvolume.rawValue]
        while let group = open.popLast() {
            for parent in parents[group] ?? [] where result.insert(parent).inserted { open.append(parent) }
        }
        return result
    }
}

extension CheckRun {
    func checkQuotas() { quotas.compare(self) }
}
