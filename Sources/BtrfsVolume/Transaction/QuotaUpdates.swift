internal import BtrfsFormat

/// What a commit does to quotas.
///
/// Simple quotas are kept exact: each subvolume's group and the groups above it are charged for the extents the
/// subvolume allocates. Full quotas count what is shared and what is not, which takes a walk over all back
/// references; they are marked inconsistent, and the kernel counts anew (`btrfs quota rescan`).
struct QuotaUpdates {
    private static let statusKey = Key(ObjectID(0), .qgroupStatus, 0)
    private enum Status {
        static let generationOffset = 8
        static let flagsOffset = 16
        static let enableGenerationOffset = 32
        static let on: UInt64 = 1 << 0
        static let inconsistent: UInt64 = 1 << 2
        static let simple: UInt64 = 1 << 3
    }

    private let generation: Generation
    private var statusFlags: UInt64 = 0
    var isOn: Bool { statusFlags & Status.on != 0 }
    var isSimple: Bool { isOn && statusFlags & Status.simple != 0 }
    /// Simple quotas count what was allocated from this generation on.
    private var enableGeneration: Generation = 0
    private var deltas: [ObjectID: Int64] = [:]
    private var isStored = false
    /// Whether the full quotas had to be marked inconsistent.
    private(set) var marksInconsistent = false

    init(generation: Generation) { self.generation = generation }

    mutating func load(from transaction: Transaction) throws(VolumeError) {
        guard let tree = try transaction.volume.tree(.quotaTree), let data = try tree.find(Self.statusKey) else {
            return
        }
        do {
            statusFlags = try data.u64(at: Status.flagsOffset)
            if isSimple { enableGeneration = try data.u64(at: Status.enableGenerationOffset) }
        } catch { throw .format(error.at(key: Self.statusKey)) }
    }

    /// Counts bytes that a subvolume allocated or gave back.
    mutating func count(_ delta: Int64, for root: ObjectID, extentGeneration: Generation) {
        guard isSimple, extentGeneration >= enableGeneration, root.isSubvolume else { return }
        deltas[root, default: 0] += delta
    }

    /// Brings what was counted into the quota tree.
    ///
    /// - Returns: whether anything had to be stored.
    mutating func store(in transaction: Transaction) throws(VolumeError) -> Bool {
        guard isOn, let tree = try transaction.tree(.quotaTree) else { return false }
        var stored = false
        if !isStored {
            isStored = true
            stored = true
            try storeStatus(in: tree)
        }
        guard isSimple else { return stored }
        let pending = deltas.filter { $0.value != 0 }
        deltas.removeAll()
        for (root, delta) in pending {
            for group in try groups(of: root.rawValue, in: tree) {
                if try charge(delta, to: group, in: tree) { stored = true }
            }
        }
        return stored
    }

    private mutating func storeStatus(in tree: Tree) throws(VolumeError) {
        let (marks, generation, flags) = (!isSimple, generation, statusFlags)
        try tree.update(Self.statusKey) { (status: inout MutableRawSpan) throws(VolumeError) in
            guard status.byteCount >= Status.enableGenerationOffset else {
                throw .damaged("the item is too short", key: Self.statusKey)
            }
            status.store(generation, at: Status.generationOffset)
            if marks { status.store(flags | Status.inconsistent, at: Status.flagsOffset) }
        }
        marksInconsistent = marks
    }

    /// The group of a subvolume and all groups above it.
    private func groups(of root: UInt64, in tree: Tree) throws(VolumeError) -> [UInt64] {
        var result = [root]
        var known: Set<UInt64> = [root]
        var next = 0
        while next < result.count {
            let member = result[next]
            next += 1
            let cursor = tree.makeCursor()
            try cursor.seek(Key(ObjectID(member), .qgroupRelation, 0))
            while cursor.isValid, cursor.key.objectID.rawValue == member, cursor.key.type == .qgroupRelation {
                // The upper 16 bits are the level; a relation is stored in both directions.
                let other = cursor.key.offset
                if other >> 48 > member >> 48, known.insert(other).inserted { result.append(other) }
                if try !cursor.next() { break }
            }
        }
        return result
    }

    private func charge(_ delta: Int64, to group: UInt64, in tree: Tree) throws(VolumeError) -> Bool {
        let key = Key(ObjectID(0), .qgroupInfo, group)
        guard let old = try tree.find(key) else { return false }
        var counts: [Int64] = []
        do {
            // Referenced, referenced compressed, exclusive, exclusive compressed.
            for offset in [8, 16, 24, 32] {
                let count = Int64(bitPattern: try old.u64(at: offset))
                counts.append(max(count &+ delta, 0))
            }
        } catch { throw .format(error.at(key: key)) }
        let new = [UInt8](byteCount: 40) { (info: inout MutableRawSpan) in
            info.store(generation, at: 0)
            for (index, count) in counts.enumerated() { info.store(count, at: 8 * (index + 1)) }
        }
        try tree.put(key, new.rawSpan)
        return true
    }
}
