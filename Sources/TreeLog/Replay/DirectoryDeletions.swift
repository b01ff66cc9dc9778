internal import BtrfsFormat
internal import BtrfsVolume

/// Removes from a directory the names that the log says are gone.
///
/// In a range that a DIR_LOG_INDEX item names, the log holds every name that there is: a name of the subvolume in
/// the range stays if the log has it under the same index, otherwise it goes. Without range items nothing does.
///
/// The corresponding kernel functions are `replay_dir_deletes`, `find_dir_range` and `check_item_in_log`.
enum DirectoryDeletions {
    /// - Complexity: O(*n*) for the names in the ranges, plus the searches of each removal.
    static func replay(of directory: ObjectID, in context: inout ReplayContext) throws(LogError) {
        var position: UInt64 = 0
        // Ranges are ascending by their start. Where they overlap the common part is done once.
        while let range = try nextRange(of: directory, from: position, in: &context) {
            try removeNames(of: directory, in: max(range.start, position), through: range.last, &context)
            guard range.last < .max, range.start < .max else { return }
            position = max(range.last, range.start) + 1
        }
    }

    /// Removes every name of a directory that itself has no name left.
    static func removeAll(of directory: ObjectID, in context: inout ReplayContext) throws(LogError) {
        try removeNames(of: directory, in: 0, through: .max, ignoringLog: true, &context)
    }

    /// The first range that ends at or after `position`: the one that starts at or before it, or the next.
    private static func nextRange(
        of directory: ObjectID, from position: UInt64, in context: inout ReplayContext
    ) throws(LogError) -> (start: UInt64, last: UInt64)? {
        let cursor = context.logCursor
        do {
            var isValid = try cursor.seekLast(through: Key(directory, .dirLogIndex, position))
            if isValid {
                let key = cursor.key
                if key.objectID == directory, key.type == .dirLogIndex {
                    let last = try cursor.data.u64(at: 0)
                    if last >= position { return (key.offset, last) }
                }
                isValid = try cursor.next()
            } else {
                _ = try cursor.seek(Key(directory, .dirLogIndex, position))
                isValid = cursor.isValid
            }
            guard isValid, cursor.key.objectID == directory, cursor.key.type == .dirLogIndex else {
                return nil
            }
            return (cursor.key.offset, try cursor.data.u64(at: 0))
        } catch { throw context.failure(from: error) }
    }

    /// A name that is to go.
    private struct Victim {
        var index: UInt64
        var name: [UInt8]
        var target: Key
    }

    private static func removeNames(
        of directory: ObjectID, in start: UInt64, through last: UInt64, ignoringLog: Bool = false,
        _ context: inout ReplayContext
    ) throws(LogError) {
        guard start <= last else { return }
        var position = start
        // The log never changes: its cursor goes along with that of the subvolume, which seeks after each removal.
        if !ignoringLog {
            do { _ = try context.logCursor.seek(Key(directory, .dirIndex, start)) } catch {
                throw context.failure(from: error)
            }
        }
        while let victim = try nextVictim(
            of: directory, from: position, through: last, ignoringLog: ignoringLog, context)
        {
            try remove(victim, of: directory, ignoringLog: ignoringLog, in: &context)
            guard victim.index < last else { return }
            position = victim.index + 1
        }
    }

    /// The next name that the log lacks.
    private static func nextVictim(
        of directory: ObjectID, from position: UInt64, through last: UInt64, ignoringLog: Bool,
        _ context: borrowing ReplayContext
    ) throws(LogError) -> Victim? {
        let cursor = context.cursor
        let logCursor = context.logCursor
        do {
            _ = try cursor.seek(Key(directory, .dirIndex, position))
            while cursor.isValid {
                let key = cursor.key
                guard key.objectID == directory, key.type == .dirIndex, key.offset <= last else { return nil }
                var entries = DirEntries(cursor.data)
                guard let entry = try entries.next() else {
                    throw VolumeError.damaged(
                        "an index item without a name", block: cursor.block, slot: cursor.slot, key: key)
                }
                let isLogged = ignoringLog ? false : try logHas(entry.name, at: key, logCursor)
                if !isLogged {
                    return Victim(index: key.offset, name: entry.name.copied, target: entry.location)
                }
                guard try cursor.next() else { return nil }
            }
            return nil
        } catch { throw context.failure(from: error) }
    }

    /// Whether the log has the name at the same index. `cursor` only moves forward.
    private static func logHas(
        _ name: RawSpan, at key: Key, _ cursor: TreeCursor
    ) throws -> Bool {
        while cursor.isValid, cursor.key < key {
            guard try cursor.next() else { return false }
        }
        guard cursor.isValid, cursor.key == key else { return false }
        var entries = DirEntries(cursor.data)
        while let entry = try entries.next() {
            if entry.name.hasSameBytes(as: name) { return true }
        }
        return false
    }

    private static func remove(
        _ victim: Victim, of directory: ObjectID, ignoringLog: Bool, in context: inout ReplayContext
    ) throws(LogError) {
        let inode = victim.target.objectID
        if context.handles(.deletedName) {
            let conflict = Conflict(
                .deletedName, at: context.place, inode: directory,
                committed: ConflictSide(inode: inode, isLeftOut: context.isLeftOut(inode)), name: victim.name,
                directory: directory, index: victim.index, detail: "the log says that this name is gone",
                mainline: .takeLogged, paths: context.paths)
            switch try context.resolve(conflict) {
            case .takeLogged: break
            case .keepCommitted, .skipItem:
                guard ignoringLog else { return }
                // A directory that keeps a name cannot be deleted: it is left out itself.
                throw context.failure(
                    .leaveOut(
                        SkippedThing(
                            .inode(directory), of: context.subvolume,
                            reason: "it holds a name of inode \(inode), which stays", at: context.place)))
            case let other: throw context.invalid(other, .deletedName)
            }
        }
        guard victim.target.type != .rootItem else {
            throw context.failure(
                .damaged(
                    "the log says that the subvolume \(inode) is gone from directory \(directory); "
                        + "kernels before 4.6 wrote such logs, and none can replay them"))
        }
        try context.unlink(victim.name.rawSpan, of: inode, in: directory)
    }
}
