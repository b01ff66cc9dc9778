public import BtrfsFormat

// Quotas as a whole, and the groups of subvolumes that come and go.

extension Transaction {
    /// Whether the volume counts the space of subvolumes.
    public var hasQuotas: Bool { quotas.isOn }

    /// Begins to count the space of subvolumes: full quotas, with a group for each. No change where they are on.
    ///
    /// Nothing is counted yet: all groups have 0, and a rescan is noted as one that has just begun. Linux goes on with
    /// it when it mounts the volume. The corresponding kernel function is `btrfs_quota_enable`.
    public func enableQuotas() throws(VolumeError) {
        guard !hasQuotas else { return }
        // What Linux has turned off, it removes; one that is off is of no use to anybody.
        _ = try dropTree(.quotaTree)
        let item = RootItem(address: LogicalAddress(0), level: 0, generation: generation)
        let tree = try createTree(.quotaTree, item)
        let status = QgroupStatus(generation: generation, flags: [.on, .inconsistent, .rescan])
        quotas = QuotaUpdates(generation: generation, status: status)
        for id in try namedSubvolumes() { try addGroup(id.rawValue, to: tree) }
    }

    /// Counts the space of subvolumes no more, and forgets all groups. No change where quotas are off.
    ///
    /// The corresponding kernel function is `btrfs_quota_disable`.
    public func disableQuotas() throws(VolumeError) {
        guard hasQuotas else { return }
        quotas = QuotaUpdates(generation: generation)
        _ = try dropTree(.quotaTree)
    }

    /// The numbers of the quota groups, ascending; none where quotas are off. The upper 16 bits are the level; on level
    /// 0 the rest is the number of a subvolume.
    public func quotaGroups() throws(VolumeError) -> [UInt64] {
        guard hasQuotas, let tree = try tree(.quotaTree) else { return [] }
        return try keys(of: .qgroupInfo, in: tree).map(\.offset)
    }

    /// The top level, and the subvolumes that have names.
    public func namedSubvolumes() throws(VolumeError) -> [ObjectID] {
        [.fileTree] + (try keys(of: .rootRef, in: try rootTree()).map { ObjectID($0.offset) })
    }

    /// The keys of a type, which need not stand together.
    private func keys(of type: KeyType, in tree: Tree) throws(VolumeError) -> [Key] {
        var result: [Key] = []
        let cursor = tree.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            if cursor.key.type == type { result.append(cursor.key) }
            if try !cursor.next() { break }
        }
        return result
    }

    // MARK: Groups of subvolumes

    /// How many blocks of the quota tree the group of a subvolume changes at most when it comes or goes.
    public func mostQuotaBlocks(of subvolume: ObjectID) throws(VolumeError) -> Int {
        guard hasQuotas, let tree = try tree(.quotaTree) else { return 0 }
        return 16 + 4 * (try tree.relatedGroups(of: subvolume.rawValue).count)
    }

    /// Gives a new subvolume its quota group.
    ///
    /// As in Linux, under simple quotas it belongs to the groups that `parent` belongs to; under full quotas a snapshot
    /// has the limits of its source. The corresponding kernel function is `btrfs_qgroup_inherit`.
    ///
    /// - Parameters:
    ///   - parent: the subvolume that has the name of the new one.
    ///   - source: what the new one is a snapshot of.
    public func addQuotaGroup(
        of subvolume: ObjectID, in parent: ObjectID, source: ObjectID? = nil
    ) throws(VolumeError) {
        guard hasQuotas, let tree = try tree(.quotaTree) else { return }
        quotas.note(subvolume, isDeleted: false)
        let group = subvolume.rawValue
        try addGroup(group, to: tree)
        if quotas.isSimple {
            for above in try tree.groupsAbove(parent.rawValue) {
                let nothing: [UInt8] = []
                try tree.put(.relation(of: group, to: above), nothing.rawSpan)
                try tree.put(.relation(of: above, to: group), nothing.rawSpan)
            }
        } else if let source, let limits = try tree.find(.limits(of: source.rawValue)) {
            let bytes = limits.copied
            try tree.put(.limits(of: group), bytes.rawSpan)
        }
    }

    /// Has the commit remove the quota group of a subvolume that was deleted.
    public func removeQuotaGroup(of subvolume: ObjectID) { quotas.note(subvolume, isDeleted: true) }

    /// Adds a group that uses nothing and has no limits. One that is there stays: a number may come again while
    /// snapshots still use what the subvolume before allocated.
    private func addGroup(_ group: UInt64, to tree: Tree) throws(VolumeError) {
        guard try !tree.contains(.usage(of: group)) else { return }
        let usage = QgroupInfo(generation: generation, referenced: 0, exclusive: 0).encoded
        try tree.insert(.usage(of: group), usage.rawSpan)
        let limits = QgroupLimit().encoded
        try tree.put(.limits(of: group), limits.rawSpan)
    }
}
