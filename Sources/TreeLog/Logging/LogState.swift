internal import BtrfsFormat
internal import BtrfsVolume

/// What a file system knows of the logs of its running transaction, and the way of an fsync.
///
/// Operations on names tell what they do (see `LogHooks`). Nothing of that goes into the log at once: it is remembered,
/// and the next fsync brings what is in the log up to date before it adds to it. To who replays the log that is the same
/// as changing it at once, since a log is only seen when it is written; and an operation can neither fail nor wait for it.
final class LogState {
    unowned let fileSystem: FileSystem
    /// The logs; nil until the first fsync of the transaction.
    private(set) var trees: LogTrees?
    /// Why the running transaction cannot have a log any more.
    private var obstacle: FullCommitReason?
    /// Names that went from directories that are in the log.
    var removedEntries: [RemovedEntry] = []
    /// Files that are in the log and have other names now.
    var renamed: Set<FileLocation> = []

    /// A name that went from a directory that is in the log.
    struct RemovedEntry {
        var directory: FileLocation
        var index: UInt64
        /// Whether the file has another name in its place, which the log then tells.
        var isMove: Bool
    }

    init(_ fileSystem: FileSystem) { self.fileSystem = fileSystem }

    var transid: Generation { fileSystem.transaction.generation }

    /// From now on each fsync of the running transaction is a commit.
    func requireFullCommit(_ reason: FullCommitReason) { obstacle = obstacle ?? reason }

    // MARK: fsync

    /// Makes a file durable, by the log if it can tell what has changed, else by a commit.
    ///
    /// The corresponding kernel functions are `btrfs_sync_file` and `btrfs_sync_log`.
    func fsync(_ inode: InodeState) throws -> SyncOutcome {
        guard inode.needsLogging(in: transid) else { return .nothingToDo }
        do {
            let write = try prepare([inode.location])
            let volume = fileSystem.volume
            do {
                try volume.write(write.blocks)
                try volume.flush()
                try volume.publishLog(at: write.root, level: write.level)
            } catch { throw FullCommitReason.failure }
            return .logged(byteCount: write.byteCount)
        } catch let reason as FullCommitReason {
            obstacle = reason
            try fileSystem.commit()
            return .fullCommit(reason)
        }
    }

    /// Brings the logs in memory to the point where the files are durable once they are written.
    ///
    /// - Throws: `FullCommitReason`, and nothing else.
    func prepare(_ files: [FileLocation]) throws(FullCommitReason) -> LogWrite {
        do {
            guard fileSystem.options.usesTreeLog else { throw FullCommitReason.logNotUsed }
            if let obstacle { throw obstacle }
            // What the log takes must not be what the commit needs.
            try fileSystem.transaction.reserveMetadata(blocks: 32)
            let trees = try trees ?? LogTrees(of: fileSystem.transaction)
            self.trees = trees
            var bySubvolume: [ObjectID: [FileLocation]] = [:]
            for file in files { bySubvolume[file.subvolume, default: []].append(file) }
            for file in renamed { bySubvolume[file.subvolume, default: []] += [] }
            for entry in removedEntries { bySubvolume[entry.directory.subvolume, default: []] += [] }
            for (subvolume, files) in bySubvolume.sorted(by: { $0.key < $1.key }) {
                try log(files, of: subvolume, in: trees)
            }
            renamed = []
            removedEntries = []
            return try trees.takeWrite()
        } catch let reason as FullCommitReason {
            throw reason
        } catch let error as VolumeError {
            if case .noSpace = error { throw .noSpace }
            throw .failure
        } catch { throw .failure }
    }

    private func log(_ files: [FileLocation], of subvolume: ObjectID, in trees: LogTrees) throws {
        guard let committed = try fileSystem.volume.tree(subvolume) else { throw FullCommitReason.newSubvolume }
        let logger = InodeLogger(
            fileSystem, subvolume: subvolume, current: try fileSystem.namespace(of: subvolume),
            committed: Namespace(committed), log: try trees.makeLog(of: subvolume))
        for entry in removedEntries where entry.directory.subvolume == subvolume {
            try logger.remove(entry)
        }
        for inode in renamed.filter({ $0.subvolume == subvolume }).map(\.inode).sorted() {
            logger.enqueue(inode, .exists)
            try logger.run()
        }
        for file in files {
            logger.enqueue(file.inode, .all)
            try logger.run()
        }
    }

    // MARK: Commit

    /// The running transaction was committed: the logs have served.
    ///
    /// The corresponding kernel function is `btrfs_free_log`.
    func discardAtCommit() {
        trees = nil
        obstacle = nil
        removedEntries = []
        renamed = []
    }
}
