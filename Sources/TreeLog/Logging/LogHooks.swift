internal import BtrfsFormat
internal import BtrfsVolume

// What operations on names tell the log.

extension LogState {
    private func isLogged(_ inode: InodeState) -> Bool { inode.loggedTransid == transid }

    /// A name is about to go.
    ///
    /// | what | because |
    /// |---|---|
    /// | the index is remembered | an fsync of the directory logs that it is free |
    /// | a logged directory loses the name in the log | it must not come back with a replay |
    /// | a logged file is logged with its other names | the same |
    /// | an unlogged directory from which a file is moved is not logged any more | a replay would remove the file |
    /// | so it is where a file has got another name before this one goes | that is a move too |
    ///
    /// The corresponding kernel functions are `btrfs_record_unlink_dir`, `btrfs_del_dir_entries_in_log` and
    /// `btrfs_del_inode_ref_in_log`.
    ///
    /// - Parameter isMove: whether it goes because the file moves to another directory.
    func willUnlink(index: UInt64, of inode: InodeState, in directory: InodeState, isMove: Bool) throws {
        try keepIndexes(of: directory)
        // A removed directory out of which something was moved leaves that to the one above: its names go with it.
        if inode.lastMoveTransid == transid { directory.noteMove(in: transid) }
        inode.lastUnlinkTransid = transid
        directory.removedIndexes.insert(index..<index + 1)
        if isLogged(directory) {
            removedEntries.append(RemovedEntry(directory: directory.location, index: index))
        }
        if isLogged(inode) { noteRenamed(inode, .exists) }
        guard !isLogged(directory), !isLogged(inode) else { return }
        let hasNewName = inode.lastLinkTransid == transid && inode.generation < transid
        if isMove || hasNewName { directory.noteMove(in: transid) }
    }

    /// A file has got one more name, by `link` or at the end of a `rename`.
    ///
    /// It is logged with it if it or its old directory is in the log: else it would lose its old name with a replay
    /// and have no new one. The corresponding kernel function is `btrfs_log_new_name`.
    ///
    /// Where the log has what had the name before, that loses the name with the next write of the log, whatever is
    /// synced by it. So the file is logged too, with its content: the name always has the old file or the new one.
    /// Linux does not do this, and loses both.
    ///
    /// - Parameters:
    ///   - oldDirectory: of a rename, where its name was before.
    ///   - replaced: of a rename, what had the new name.
    func didLink(_ inode: InodeState, oldDirectory: InodeState?, replaced: InodeState? = nil) {
        if oldDirectory == nil { inode.lastLinkTransid = transid }
        if let replaced, isLogged(replaced) {
            noteRenamed(inode, .all)
        } else if isLogged(inode) || oldDirectory.map(isLogged) ?? false {
            noteRenamed(inode, .exists)
        }
    }

    private func noteRenamed(_ inode: InodeState, _ mode: LogMode) {
        inode.copyEverything = true
        renamed[inode.location] = max(renamed[inode.location] ?? .exists, mode)
    }

    /// A subvolume came into being.
    func recordNewSubvolume() { requireFullCommit(.newSubvolume) }

    /// A subvolume is deleted: its name in the log could not be replayed.
    ///
    /// The corresponding kernel function is `btrfs_record_snapshot_destroy`.
    func recordSnapshotDestroy(in directory: InodeState) throws {
        try keepIndexes(of: directory)
        directory.noteMove(in: transid)
    }

    /// The index of a name that was committed must not be that of another one in the log.
    private func keepIndexes(of directory: InodeState) throws {
        guard directory.nextDirectoryIndex == nil else { return }
        let namespace = try fileSystem.namespace(of: directory.location.subvolume)
        directory.nextDirectoryIndex = try namespace.nextDirectoryIndex(of: directory.location.inode)
    }
}

extension InodeState {
    fileprivate func noteMove(in transid: Generation) {
        lastMoveTransid = transid
        lastUnlinkTransid = transid
    }
}
