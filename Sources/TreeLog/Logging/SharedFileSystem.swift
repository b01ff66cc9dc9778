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

    /// A task that waits for the log that is being filled. The corresponding kernel structure is `btrfs_log_ctx`.
    fileprivate struct Context {
        /// Nil for the task that leads.
        var continuation: CheckedContinuation<Turn, Never>?
        var path: [UInt8]
    }

    fileprivate struct Core {
        let fileSystem: FileSystem
        /// Who waits for the log that is being filled.
        var waiting: [Context] = []
        var hasLeader = false
        /// Why the next write has to be a commit.
        var commitReason: FullCommitReason?
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
        return try await wait { core, continuation in
            do throws(FileSystemError) {
                guard try core.prepare(path) else { return .done(.success(.nothingToDo)) }
            } catch { return .done(.failure(error)) }
            return core.join(Context(continuation: continuation, path: path))
        }
    }

    /// Makes all changes durable.
    public func sync() async throws(FileSystemError) {
        _ = try await wait { core, continuation in
            core.commitReason = core.commitReason ?? .requested
            return core.join(Context(continuation: continuation, path: []))
        }
    }

    // MARK: Waiting

    private func wait(
        _ join: @Sendable (inout Core, CheckedContinuation<Turn, Never>) -> Turn?
    ) async throws(FileSystemError) -> SyncOutcome {
        let turn = await withCheckedContinuation { (continuation: CheckedContinuation<Turn, Never>) in
            if let turn = core.withLock({ join(&$0, continuation) }) { continuation.resume(returning: turn) }
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
        let (batch, work) = core.withLock { $0.takeWork() }
        let result: Result<SyncOutcome, FileSystemError>
        switch work {
        case .done(let outcome): result = outcome
        case .publish(let publication, let gate):
            let failure = gate.perform(publication)
            result = core.withLock { $0.finish(publication, failure) }
        }
        let next = core.withLock { $0.nextLeader() }
        for context in batch { context.continuation?.resume(returning: .done(result)) }
        next?.resume(returning: .lead)
        return try result.get()
    }
}

extension SharedFileSystem {
    /// What the task that leads has to do.
    fileprivate enum Work {
        /// Nothing, it is done.
        case done(Result<SyncOutcome, FileSystemError>)
        /// To publish a log while others go on.
        case publish(LogPublication, PublicationGate)
    }
}

extension SharedFileSystem.Core {
    /// Brings the log in memory to where the file is durable once it is written.
    ///
    /// - Returns: false when all of it is on the devices.
    mutating func prepare(_ path: [UInt8]) throws(FileSystemError) -> Bool {
        let fileSystem = fileSystem
        let log = fileSystem.log
        let inode = try fileSystem.stateForSync(path)
        if !inode.needsLogging(in: log.transid) { return log.isInLogToCome(inode) }
        // The commit that is to come has all of it.
        guard commitReason == nil else { return true }
        do throws(FullCommitReason) { try log.prepare(inode) } catch {
            log.requireFullCommit(error)
            commitReason = error
        }
        return true
    }

    /// Has a task wait for the log that is being filled; it leads if nobody does.
    mutating func join(_ context: SharedFileSystem.Context) -> SharedFileSystem.Turn? {
        guard !hasLeader else {
            waiting.append(context)
            return nil
        }
        hasLeader = true
        var own = context
        own.continuation = nil
        waiting.append(own)
        return .lead
    }

    /// Takes all who wait, and what is to be done for them. From now on another log is filled.
    mutating func takeWork() -> (batch: [SharedFileSystem.Context], SharedFileSystem.Work) {
        let batch = waiting
        waiting = []
        lastBatchSize = batch.count
        let log = fileSystem.log
        guard commitReason == nil else { return (batch, .done(commit())) }
        do throws(FullCommitReason) {
            let publication = try log.makePublication()
            if publication.servesManyThreads { return (batch, .publish(publication, log.gate)) }
            return (batch, .done(finish(publication, log.gate.perform(publication))))
        } catch {
            commitReason = error
            return (batch, .done(commit()))
        }
    }

    /// Notes that a log is durable, or makes a commit where it failed.
    mutating func finish(
        _ publication: LogPublication, _ failure: VolumeError?
    ) -> Result<SyncOutcome, FileSystemError> {
        do throws(FullCommitReason) {
            try fileSystem.log.finish(publication, failure)
            return .success(.logged(byteCount: publication.byteCount))
        } catch {
            commitReason = error
            return commit()
        }
    }

    private mutating func commit() -> Result<SyncOutcome, FileSystemError> {
        let reason = commitReason ?? .requested
        commitReason = nil
        do throws(FileSystemError) {
            try fileSystem.sync()
            return .success(.fullCommit(reason))
        } catch { return .failure(error) }
    }

    /// The task that leads next: the first that came meanwhile.
    mutating func nextLeader() -> CheckedContinuation<SharedFileSystem.Turn, Never>? {
        guard !waiting.isEmpty else {
            hasLeader = false
            return nil
        }
        let next = waiting[0].continuation
        waiting[0].continuation = nil
        return next
    }
}
