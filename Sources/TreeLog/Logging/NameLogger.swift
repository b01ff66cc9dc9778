internal import BtrfsFormat
internal import BtrfsVolume

// The names of an inode in the log, and what follows from them for other inodes.

extension InodeLogger {
    /// So many files that had a name of a logged one are logged with it. The corresponding kernel constant is
    /// `MAX_CONFLICT_INODES`.
    static let conflictLimit = 10

    /// Copies the references of an inode.
    ///
    /// | where | what is logged as well |
    /// |---|---|
    /// | a name is in a directory that was created in this transaction | the directory, without its other names |
    /// | a committed name is gone, and no item in the log tells so | the directory that had it, with all its names |
    /// | a name was that of another inode at the last commit | that one: a replay takes the name from it |
    /// | a committed name is that of another inode now | that one: the name is never without a file |
    func logNames(of inode: ObjectID, _ state: InodeState) throws {
        let names = try current.names(of: inode)
        let before = try committed.names(of: inode)
        try copyAll(.inodeRef, of: inode)
        let extended = try keys(of: inode, .inodeExtref, in: current.tree)
        let hadExtended = try !keys(of: inode, .inodeExtref, in: committed.tree).isEmpty
        if (!extended.isEmpty || hadExtended), names != before { throw FullCommitReason.extendedReferences }
        for key in extended { try copy(key) }
        for name in names {
            let parent = try self.state(name.directory)
            if parent.generation == transid, parent.loggedTransid != transid { enqueue(name.directory, .exists) }
            try logConflict(of: name, with: inode)
        }
        let directories = Set(names.map(\.directory))
        for name in before where !directories.contains(name.directory) { try enqueueParent(of: name) }
        let kept = Set(names)
        for name in before where !kept.contains(name) { try logHolder(of: name) }
    }

    /// Logs the inode that had a name at the last commit which is now that of `inode`.
    ///
    /// The corresponding kernel functions are `btrfs_check_ref_name_override` and `log_conflicting_inodes`.
    private func logConflict(of name: InodeName, with inode: ObjectID) throws {
        let found = try committed.entry(named: name.name.rawSpan, in: name.directory)
        guard let found, found.location.objectID != inode || found.isSubvolume else { return }
        guard !found.isSubvolume else { throw FullCommitReason.conflictWithSubvolume }
        let other = found.location.objectID
        try countConflict()
        guard let item = try current.inode(other) else {
            // What was in a deleted directory may be elsewhere: the one above tells.
            if found.type == .directory { enqueue(name.directory, .all) }
            return
        }
        if item.isDirectory, try state(other).lastUnlinkTransid == transid {
            throw FullCommitReason.conflictWithMovedDirectory
        }
        enqueue(other, .exists)
    }

    /// Logs the inode that has a name which a replay takes from another one. Linux does not do this: where two files
    /// exchanged their names and one of them is synced, the other one's may be gone.
    private func logHolder(of name: InodeName) throws {
        let found = try current.entry(named: name.name.rawSpan, in: name.directory)
        guard let found, !found.isSubvolume else { return }
        try countConflict()
        enqueue(found.location.objectID, found.type == .directory ? .exists : .all)
    }

    private func countConflict() throws {
        conflictCount += 1
        guard conflictCount <= Self.conflictLimit else { throw FullCommitReason.tooManyConflicts }
    }

    /// Removes the names of an inode that has none any more from its log.
    ///
    /// A replay took its committed names away because the log had others. Now the directories have to tell that.
    func removeNames(of inode: ObjectID) throws {
        guard try log.contains(Key(inode, .inodeItem, 0)) else { return }
        let logged = try Namespace(log).names(of: inode)
        for name in try committed.names(of: inode) where !logged.contains(name) { try enqueueParent(of: name) }
        for type in [KeyType.inodeRef, .inodeExtref] {
            for key in try keys(of: inode, type, in: log) { try log.remove(key) }
        }
    }

    /// Has the directory of a committed name that is gone logged with all its names.
    private func enqueueParent(of name: InodeName) throws {
        guard try current.hasInode(name.directory) else { throw FullCommitReason.deletedParent }
        enqueue(name.directory, .all)
    }
}
