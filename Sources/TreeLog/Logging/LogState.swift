internal import BtrfsFormat
internal import BtrfsVolume

/// What a file system knows of the logs of its running transaction, and the way of an fsync.
///
/// Operations on names tell what they do (see `LogHooks`). Nothing of that goes into the log at once: it is remembered,
/// and the next fsync brings what is in the log up to date before it adds to it. To who replays the log that is the
/// same as changing it at once, since a log is only seen when it is written; and an operation can neither fail nor wait
/// for it.
final class LogState {
    unowned let fileSystem: FileSystem
    /// The logs; nil until the first fsync of the transaction.
    private var trees: LogTrees?
    /// The subvolumes as of the last commit, so that what one fsync read the next one need not read again.
    private var committed: [ObjectID: Namespace] = [:]
    /// Why the running transaction cannot have a log any more.
    private var obstacle: FullCommitReason?
    /// The number of the log that is being filled; the one before may be on its way to the devices.
    private(set) var logTransid: UInt64 = 1
    /// The number of the last log that is durable.
    private(set) var lastLogCommit: UInt64 = 0
    /// The log that is on its way to the devices.
    private var onItsWay: LogPublication?
    /// Keeps a log from being published when its transaction is over.
    let gate: PublicationGate
    /// Names that went from directories that are in the log.
    var removedEntries: [RemovedEntry] = []
    /// Files whose names in the log are not those that they have now, and how much of them is to be logged.
    var renamed: [FileLocation: LogMode] = [:]

    /// A name that went from a directory that is in the log.
    struct RemovedEntry {
        var directory: FileLocation
        var index: UInt64
    }

    init(_ fileSystem: FileSystem) {
        self.fileSystem = fileSystem
        gate = PublicationGate(fileSystem.transaction.generation)
    }

    var transid: Generation { fileSystem.transaction.generation }

    /// From now on each fsync of the running transaction is a commit.
    ///
    /// The corresponding kernel function is `btrfs_set_log_full_commit`.
    func requireFullCommit(_ reason: FullCommitReason) { obstacle = obstacle ?? reason }

    // MARK: fsync

    /// Makes a file durable, by the log if it can tell what has changed, else by a commit.
    ///
    /// The corresponding kernel functions are `btrfs_sync_file` and `btrfs_sync_log`.
    func fsync(_ inode: InodeState) throws -> SyncOutcome {
        if isDurable(inode) { return .nothingToDo }
        do throws(FullCommitReason) {
            // Where the file system is shared another task may be about to write the log before: that comes first.
            if let onItsWay {
                try finish(onItsWay, gate.perform(onItsWay))
                if isDurable(inode) { return .logged(byteCount: onItsWay.byteCount) }
            }
            try prepare(inode)
            let publication = try makePublication()
            try finish(publication, gate.perform(publication))
            return .logged(byteCount: publication.byteCount)
        } catch {
            try fileSystem.commit()
            return .fullCommit(error)
        }
    }

    private func isDurable(_ inode: InodeState) -> Bool { !inode.needsLogging(in: transid) && !isInLogToCome(inode) }

    /// Whether all of the inode is in the logs in memory, and they are not on the devices yet.
    ///
    /// The corresponding kernel function is `btrfs_inode_in_log`.
    func isInLogToCome(_ inode: InodeState) -> Bool {
        inode.loggedTransid == transid && inode.logTransid > lastLogCommit
    }

    /// Whether that log is one on its way already, and not the one that is being filled.
    func isInLogOnItsWay(_ inode: InodeState) -> Bool { isInLogToCome(inode) && inode.logTransid < logTransid }

    /// Brings the logs in memory to the point where an inode is durable once they are published.
    ///
    /// Where it fails the logs may tell a part of what they should, and are not written any more.
    func prepare(_ inode: InodeState) throws(FullCommitReason) {
        do {
            guard fileSystem.options.usesTreeLog else { throw FullCommitReason.logNotUsed }
            if let obstacle { throw obstacle }
            guard inode.needsLogging(in: transid) else { return }
            let trees = try trees ?? LogTrees(of: fileSystem.transaction)
            self.trees = trees
            var subvolumes = Set(renamed.keys.map(\.subvolume)).union(removedEntries.map(\.directory.subvolume))
            subvolumes.insert(inode.location.subvolume)
            for subvolume in subvolumes.sorted() {
                try log(subvolume == inode.location.subvolume ? inode.location.inode : nil, of: subvolume, in: trees)
            }
            renamed = [:]
            removedEntries = []
        } catch {
            let reason = reason(for: error)
            requireFullCommit(reason)
            throw reason
        }
    }

    private func reason(for error: any Error) -> FullCommitReason {
        switch error {
        case let reason as FullCommitReason: reason
        case VolumeError.noSpace: .noSpace
        default: .failure
        }
    }

    /// What is in the logs in memory now, on its way to the devices. What is logged from now on belongs to the next.
    func makePublication() throws(FullCommitReason) -> LogPublication {
        guard !fileSystem.isAborted else { throw .failure }
        if let obstacle { throw obstacle }
        // A commit came in between, with all that they had.
        guard let trees else { throw .requested }
        // Also one that logging has taken itself.
        guard !fileSystem.transaction.allocatedChunk else { throw .newChunk }
        do {
            let publication = try trees.makePublication(logTransid, on: fileSystem.volume)
            logTransid += 1
            onItsWay = publication
            return publication
        } catch { throw reason(for: error) }
    }

    /// Notes that the logs of a publication are durable.
    ///
    /// - Parameter failure: what went wrong with it.
    func finish(_ publication: LogPublication, _ failure: VolumeError?) throws(FullCommitReason) {
        onItsWay = nil
        guard publication.generation == transid, publication.number > lastLogCommit else { return }
        // A commit that failed has kept the log from being written, and the transaction is still the same.
        guard failure == nil, !fileSystem.isAborted else { throw .failure }
        fileSystem.volume.adopt(publication)
        lastLogCommit = publication.number
    }

    private func log(_ inode: ObjectID?, of subvolume: ObjectID, in trees: LogTrees) throws {
        let logger = InodeLogger(
            fileSystem, subvolume: subvolume, current: try fileSystem.namespace(of: subvolume),
            committed: try committed(subvolume), log: try trees.makeLog(of: subvolume))
        for entry in removedEntries where entry.directory.subvolume == subvolume {
            try logger.remove(entry)
        }
        for inode in renamed.keys.filter({ $0.subvolume == subvolume }).sorted(by: { $0.inode < $1.inode }) {
            try logger.log(inode.inode, renamed[inode] ?? .exists)
        }
        if let inode { try logger.log(inode, .all) }
    }

    private func committed(_ subvolume: ObjectID) throws -> Namespace {
        if let known = committed[subvolume] { return known }
        guard let tree = try fileSystem.volume.tree(subvolume) else { throw FullCommitReason.newSubvolume }
        let namespace = Namespace(tree)
        committed[subvolume] = namespace
        return namespace
    }

    // MARK: Commit

    /// The running transaction was committed: the logs have served.
    ///
    /// The corresponding kernel function is `btrfs_free_log`.
    func discardAtCommit() {
        trees = nil
        committed = [:]
        obstacle = nil
        removedEntries = []
        renamed = [:]
    }
}
