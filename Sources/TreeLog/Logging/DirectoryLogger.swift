internal import BtrfsFormat
internal import BtrfsVolume

// Directories in the log: new names, and the indexes of names that went.

extension InodeLogger {
    /// Logs the names that came and went in this transaction, and has the inodes of the new ones logged.
    ///
    /// New names have higher indexes than all committed ones, and those that are in the log already are not looked at
    /// again. The corresponding kernel functions are `log_directory_changes` and `log_new_dir_dentries`.
    func logDirectory(_ directory: ObjectID, _ state: InodeState) throws {
        try logRemovals(of: directory, state)
        let first = max(try committed.nextDirectoryIndex(of: directory), state.lastDirIndexOffset + 1)
        var new: [(index: UInt64, target: EntryTarget)] = []
        let cursor = current.tree.makeCursor()
        try cursor.seek(Key(directory, .dirIndex, first))
        while cursor.isValid, cursor.key.objectID == directory, cursor.key.type == .dirIndex {
            var entries = DirEntries(cursor.data)
            if let entry = try entries.next() {
                let target = EntryTarget(location: entry.location, type: entry.type, transid: entry.transid)
                new.append((cursor.key.offset, target))
            }
            guard try cursor.next() else { break }
        }
        for (index, target) in new {
            try copy(Key(directory, .dirIndex, index))
            try logTarget(target)
            state.lastDirIndexOffset = index
        }
    }

    /// A new name is of no use without its inode.
    private func logTarget(_ target: EntryTarget) throws {
        let inode = target.location.objectID
        let state = try state(inode)
        if target.type == .directory, state.generation == transid {
            enqueue(inode, .all)
        } else {
            enqueue(inode, .exists)
        }
    }

    /// Puts a range item for each run of indexes that became free: a replay removes what the subvolume has there.
    private func logRemovals(of directory: ObjectID, _ state: InodeState) throws {
        for key in try keys(of: directory, .dirLogIndex, in: log) { try log.remove(key) }
        for range in state.removedIndexes.ranges {
            let last = [UInt8](byteCount: 8) { (target: inout MutableRawSpan) in
                target.store(range.upperBound - 1, at: 0)
            }
            try log.put(Key(directory, .dirLogIndex, range.lowerBound), last.rawSpan)
        }
    }

    /// Takes a name that went out of the log of its directory. That a committed one went is told when the directory is
    /// logged the next time.
    func remove(_ entry: LogState.RemovedEntry) throws {
        try log.remove(Key(entry.directory.inode, .dirIndex, entry.index))
    }
}
