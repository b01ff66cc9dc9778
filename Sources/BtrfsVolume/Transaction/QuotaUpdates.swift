internal import BtrfsFormat

/// What a commit does to quotas.
///
/// Simple quotas are kept exact: each subvolume's group and the groups above it are charged for the extents the
/// subvolume allocates. Full quotas count what is shared and what is not, which takes a walk over all back
/// references; they are marked inconsistent, and the kernel counts anew (`btrfs quota rescan`).
struct QuotaUpdates {
    static let statusKey = Key(ObjectID(0), .qgroupStatus, 0)

    private let generation: Generation
    private var status: QgroupStatus?
    var isOn: Bool { status?.flags.contains(.on) ?? false }
    var isSimple: Bool { isOn && status?.flags.contains(.simple) ?? false }
    private var deltas: [ObjectID: Int64] = [:]
    /// The groups of subvolumes that were deleted.
    private var dropped: Set<ObjectID> = []
    private var isStored = false

    init(generation: Generation, status: QgroupStatus? = nil) {
        self.generation = generation
        self.status = status
    }

    mutating func load(from transaction: Transaction) throws(VolumeError) {
        guard let tree = try transaction.volume.tree(.quotaTree), let data = try tree.find(Self.statusKey) else {
            return
        }
        status = try parsing(Self.statusKey) { () throws(FormatError) in try QgroupStatus(data) }
    }

    /// Counts bytes that a subvolume allocated or gave back.
    mutating func count(_ delta: Int64, for root: ObjectID, extentGeneration: Generation) {
        // Simple quotas count what was allocated since they are on.
        guard isSimple, extentGeneration >= status?.enableGeneration ?? 0, root.isSubvolume else { return }
        deltas[root, default: 0] += delta
    }

    /// Has the group of a subvolume that is there (again), or is deleted, kept or removed.
    mutating func note(_ subvolume: ObjectID, isDeleted: Bool) {
        if !isDeleted { dropped.remove(subvolume) } else if isOn { dropped.insert(subvolume) }
    }

    /// Brings what was counted into the quota tree.
    ///
    /// - Returns: whether anything had to be stored.
    mutating func store(in transaction: Transaction) throws(VolumeError) -> Bool {
        guard isOn, let tree = try transaction.tree(.quotaTree) else { return false }
        var stored = !isStored
        if !isStored {
            isStored = true
            try storeStatus(in: tree)
        }
        let pending = deltas.filter { $0.value != 0 }
        deltas.removeAll()
        for (root, delta) in pending {
            for group in try tree.groups(of: root.rawValue) {
                if try charge(delta, to: group, in: tree) { stored = true }
            }
        }
        for subvolume in dropped.sorted() {
            if try remove(subvolume.rawValue, in: tree) { stored = true }
        }
        dropped.removeAll()
        return stored
    }

    private mutating func storeStatus(in tree: Tree) throws(VolumeError) {
        guard var new = status else { return }
        new.generation = generation
        if !isSimple {
            new.flags.insert(.inconsistent)
            // A rescan that is under way will not look again at what it has passed.
            if new.rescan != 0 { new.flags.remove(.rescan) }
        }
        status = new
        let bytes = new.encoded
        try tree.put(Self.statusKey, bytes.rawSpan)
    }

    private func charge(_ delta: Int64, to group: UInt64, in tree: Tree) throws(VolumeError) -> Bool {
        guard var info = try tree.usage(of: group) else { return false }
        info.generation = generation
        info.referenced = Self.sum(info.referenced, delta)
        info.exclusive = Self.sum(info.exclusive, delta)
        let bytes = info.encoded
        try tree.put(.usage(of: group), bytes.rawSpan)
        return true
    }

    private static func sum(_ count: UInt64, _ delta: Int64) -> UInt64 {
        UInt64(max(Int64(bitPattern: count) &+ delta, 0))
    }

    /// Removes the group of a deleted subvolume. Under simple quotas it stays as long as snapshots use what the
    /// subvolume allocated.
    ///
    /// The corresponding kernel function is `btrfs_qgroup_cleanup_dropped_subvolume`.
    private func remove(_ group: UInt64, in tree: Tree) throws(VolumeError) -> Bool {
        guard let info = try tree.usage(of: group), !isSimple || info.referenced == 0 else { return false }
        for other in try tree.relatedGroups(of: group) {
            try tree.remove(.relation(of: group, to: other))
            try tree.remove(.relation(of: other, to: group))
        }
        try tree.remove(.usage(of: group))
        try tree.remove(.limits(of: group))
        return true
    }
}

extension Key {
    /// The key of what a quota group uses.
    static func usage(of group: UInt64) -> Key { Key(ObjectID(0), .qgroupInfo, group) }
    /// The key of what a quota group may use.
    static func limits(of group: UInt64) -> Key { Key(ObjectID(0), .qgroupLimit, group) }
    /// One of the two keys that say that one group is above the other.
    static func relation(of group: UInt64, to other: UInt64) -> Key { Key(ObjectID(group), .qgroupRelation, other) }
}

/// The quota tree.
extension Tree {
    /// What a group uses; nil where there is no such group.
    func usage(of group: UInt64) throws(VolumeError) -> QgroupInfo? {
        let key = Key.usage(of: group)
        guard let data = try find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try QgroupInfo(data) }
    }

    /// The groups directly above and below one.
    func relatedGroups(of group: UInt64) throws(VolumeError) -> [UInt64] {
        var result: [UInt64] = []
        let cursor = makeCursor()
        try cursor.seek(.relation(of: group, to: 0))
        while cursor.isValid, cursor.key.objectID.rawValue == group, cursor.key.type == .qgroupRelation {
            result.append(cursor.key.offset)
            if try !cursor.next() { break }
        }
        return result
    }

    /// The groups directly above one. The upper 16 bits of a number are the level; a relation is stored in both
    /// directions.
    func groupsAbove(_ group: UInt64) throws(VolumeError) -> [UInt64] {
        try relatedGroups(of: group).filter { $0 >> 48 > group >> 48 }
    }

    /// A group and all groups above it.
    fileprivate func groups(of root: UInt64) throws(VolumeError) -> [UInt64] {
        var result = [root]
        var known: Set<UInt64> = [root]
        var next = 0
        while next < result.count {
            for other in try groupsAbove(result[next]) where known.insert(other).inserted { result.append(other) }
            next += 1
        }
        return result
    }
}
