internal import BtrfsFormat
internal import BtrfsVolume

// Durability: one file by the log, or everything by a commit.

extension FileSystem {
    // MARK: One file

    /// Makes a file durable: its content, its attributes and its names.
    ///
    /// - Throws: EROFS, EIO, ENOSPC.
    public func fsync(_ path: some FilePath) throws(FileSystemError) -> SyncOutcome {
        try changing("fsync", path) { path in try log.fsync(inodeState(find(path))) }
    }

    /// Makes a file durable.
    public func fsync(_ file: OpenFile) throws(FileSystemError) -> SyncOutcome {
        try changing("fsync", file.location) {
            guard !file.isClosed else { throw Errno.badFile }
            return try log.fsync(inodeState(file.location))
        }
    }

    /// Makes the content of a file durable, and all else that `fsync` does: Linux logs the same for both, too.
    ///
    /// - Throws: what `fsync` throws.
    public func fdatasync(_ path: some FilePath) throws(FileSystemError) -> SyncOutcome {
        try changing("fdatasync", path) { path in try log.fsync(inodeState(find(path))) }
    }

    /// What is remembered of the inode at a path that is to be made durable.
    func stateForSync(_ path: [UInt8]) throws(FileSystemError) -> InodeState {
        try changing("fsync", path) { path in try inodeState(find(path)) }
    }

    // MARK: Everything

    /// Makes all changes durable, and begins a new transaction.
    ///
    /// - Throws: `FileSystemError`; when it comes from the devices nothing can be changed any more.
    public func sync() throws(FileSystemError) {
        try changing("sync", "") { _ in if isChanged { try commit() } }
    }

    /// Commits the running transaction, changed or not, and begins the next.
    func commit() throws {
        do {
            try storeSubvolumeTimes()
            try log.gate.pass { try transaction.commit() }
            transaction = try Transaction(on: volume)
        } catch {
            abortReason = error
            throw error
        }
        isChanged = false
        namespaces = [:]
        forgetReaders()
        newlyShared = []
        log.discardAtCommit()
        inodes = inodes.filter { $0.value.openCount > 0 }
        for state in inodes.values { state.noteCommit() }
    }

    /// Notes in the root items of the subvolumes that changed when that was.
    ///
    /// The corresponding kernel function is `btrfs_update_root_times`.
    private func storeSubvolumeTimes() throws {
        for subvolume in changedSubvolumes.sorted() {
            _ = try transaction.updateRootItem(of: subvolume) { item in
                item.ctransid = transaction.generation
                item.ctime = lastTime
            }
        }
        changedSubvolumes = []
    }
}
