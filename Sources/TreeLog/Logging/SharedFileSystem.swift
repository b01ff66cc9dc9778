internal import BtrfsVolume
internal import Synchronization

/// A file system that many tasks use at once, with durable writes that share the work.
///
/// Operations run one after the other. An `fsync` prepares the log in memory like an operation; then one task writes
/// all that was prepared up to there, while the others go on and prepare the next log: at any time one log is on its
/// way to the devices and one is being filled. One superblock write so serves all who wait for it, and each of them
/// learns what became of it.
///
/// The corresponding kernel function is `btrfs_sync_log` with its log contexts.
public final class SharedFileSystem: Sendable {
    /// What a task that waits is told.
    fileprivate enum Turn: Sendable {
        case done(Result<SyncOutcome, FileSystemError>)
        /// It writes for all who wait.
        case lead
    }

    /// How a task that waits is told. The corresponding kernel structure is `btrfs_log_ctx`.
    fileprivate typealias Waiter = CheckedContinuation<Turn, Never>

    fileprivate struct Core {
        let fileSystem: FileSystem
        /// Who waits for the log that is being filled, beside the task that leads.
        var waiting: [Waiter] = []
        /// Who waits for the one that is on its way to the devices, or waited for the last, beside the task that leads.
        var served: [Waiter] = []
        var hasLeader = false
        /// How many tasks the last write served.
        var lastBatchSize = 0
    }

    private let core: Mutex<Core>

    /// Shares a file system, which nobody else may use from now on.
    public init(_ fileSystem: sending FileSystem) {
        core = Mutex(Core(fileSystem: fileSystem))
    }

    /// Runs operations while no other task does.
    public func withFileSystem<Result: Sendable>(
        _ body: @Sendable (FileSystem) throws(FileSystemError) -> Result
    ) throws(FileSystemError) -> Result {
        try core.withLock { (core) throws(FileSystemError) in try body(core.fileSystem) }
    }

    /// Makes a file durable: its content, its attributes and its names.
    ///
    /// - Throws: what `FileSystem.fsync` throws.
    public func fsync(_ path: some FilePath) async throws(FileSystemError) -> SyncOutcome {
        let path = path.pathBytes
        return try await wait { core, waiter in
            do throws(FileSystemError) {
                switch try core.prepare(path) {
                case .nothing: return .done(.success(.nothingToDo))
                case .logOnItsWay:
                    core.served.append(waiter)
                    return nil
                case .nextWrite: return core.join(waiter)
                }
            } catch { return .done(.failure(error)) }
        }
    }

    /// Makes all changes durable.
    public func sync() async throws(FileSystemError) {
        _ = try await wait { core, waiter in
            if core.fileSystem.isChanged { core.fileSystem.log.requireFullCommit(.requested) }
            return core.join(waiter)
        }
    }

    // MARK: Waiting

    private func wait(
        _ join: @Sendable (inout Core, Waiter) -> Turn?
    ) async throws(FileSystemError) -> SyncOutcome {
        let turn = await withCheckedContinuation { (waiter: Waiter) in
            if let turn = core.withLock({ join(&$0, waiter) }) { waiter.resume(returning: turn) }
        }
        switch turn {
        case .done(let result): return try result.get()
        case .lead: return try await lead()
        }
    }

    /// Writes for all who wait, and hands over to one of those who came meanwhile.
    private func lead() async throws(FileSystemError) -> SyncOutcome {
        // Where many come at once, a moment brings more of them into this write.
        if core.withLock({ $0.lastBatchSize > 1 }) { await Task.yield() }
        let end: Ending
        switch core.withLock({ $0.takeWork() }) {
        case .done(let ending): end = ending
        case .publish(let publication, let gate):
            let failure = gate.perform(publication)
            end = core.withLock { $0.finish(publication, failure) }
        }
        for waiter in end.served { waiter.resume(returning: .done(end.result)) }
        end.next?.resume(returning: .lead)
        return try end.result.get()
    }
}

extension SharedFileSystem {
    /// What has to be written so that a file is durable.
    fileprivate enum Need {
        case nothing
        /// The log that is on its way to the devices already.
        case logOnItsWay
        /// The one that is being filled, or a commit.
        case nextWrite
    }

    /// What the task that leads has to do.
    fileprivate enum Work {
        /// Nothing more.
        case done(Ending)
        /// To publish a log while others go on.
        case publish(LogPublication, PublicationGate)
    }

    /// How a write ended, for all whom it served.
    fileprivate struct Ending {
        var result: Result<SyncOutcome, FileSystemError>
        var served: [Waiter]
        /// The task that leads next: the first that came meanwhile.
        var next: Waiter?
    }
}

extension SharedFileSystem.Core {
    /// Brings the log in memory to where the file is durable once it is written.
    mutating func prepare(_ path: [UInt8]) throws(FileSystemError) -> SharedFileSystem.Need {
        let fileSystem = fileSystem
        let log = fileSystem.log
        let inode = try fileSystem.stateForSync(path)
        guard inode.needsLogging(in: log.transid) else {
            guard log.isInLogToCome(inode) else { return .nothing }
            return log.isInLogOnItsWay(inode) ? .logOnItsWay : .nextWrite
        }
        // What cannot be logged makes the next write a commit.
        try? log.prepare(inode)
        return .nextWrite
    }

    /// Has a task wait for the log that is being filled; it leads if nobody does.
    mutating func join(_ waiter: SharedFileSystem.Waiter) -> SharedFileSystem.Turn? {
        guard hasLeader else {
            hasLeader = true
            return .lead
        }
        waiting.append(waiter)
        return nil
    }

    /// Takes what is to be done for all who wait. From now on another log is filled.
    mutating func takeWork() -> SharedFileSystem.Work {
        served = waiting
        waiting = []
        let log = fileSystem.log
        do throws(FullCommitReason) {
            let publication = try log.makePublication()
            if publication.servesManyThreads { return .publish(publication, log.gate) }
            return .done(finish(publication, log.gate.perform(publication)))
        } catch { return .done(commit(error)) }
    }

    /// Notes that a log is durable, or makes a commit where it failed.
    mutating func finish(_ publication: LogPublication, _ failure: VolumeError?) -> SharedFileSystem.Ending {
        do throws(FullCommitReason) {
            try fileSystem.log.finish(publication, failure)
            return end(.success(.logged(byteCount: publication.byteCount)))
        } catch { return commit(error) }
    }

    private mutating func commit(_ reason: FullCommitReason) -> SharedFileSystem.Ending {
        do throws(FileSystemError) {
            try fileSystem.sync()
            return end(.success(.fullCommit(reason)))
        } catch { return end(.failure(error)) }
    }

    private mutating func end(_ result: Result<SyncOutcome, FileSystemError>) -> SharedFileSystem.Ending {
        let next = waiting.isEmpty ? nil : waiting.removeFirst()
        hasLeader = next != nil
        lastBatchSize = served.count + 1
        return SharedFileSystem.Ending(result: result, served: served, next: next)
    }
}
