internal import BtrfsFormat
public import BtrfsVolume

/// Replays the logs of a volume.
///
/// ```swift
/// let volume = try Volume(opening: devices)
/// let (transaction, report) = try Replayer(volume).run()
/// try transaction.commit()          // or drop it: then nothing has happened
/// ```
///
/// The stages `pin`, `inodes`, `directoryIndex` and `everything` are walks over the logs of all subvolumes, each done
/// for all of them, by descending number, before the next begins. The corresponding kernel function is
/// `btrfs_recover_log_trees`.
public final class Replayer {
    /// The volume whose logs are replayed.
    public let volume: Volume
    private let setup: ReplaySetup
    private var leftOut: [ObjectID: LeftOut] = [:]
    private var restartCount = 0

    /// After this many new starts for a single inode each, one run looks for all that has to be left out.
    private static let singleRestartLimit = 16
    /// After this many new starts the logs in which there is still more are given up. Each start costs a run, and a
    /// log can be made so that each run finds one thing more.
    private static let restartLimit = 64

    /// Makes ready for a replay by what is registered; reads nothing.
    ///
    /// - Throws: `LogError` when the registry lacks the policy or a process function.
    public init(
        _ volume: Volume, registry: Registry = .mainline, policy: String = Policy.mainlineName,
        options: ReplayOptions = ReplayOptions()
    ) throws(LogError) {
        self.volume = volume
        setup = try ReplaySetup(registry, policy: policy, options)
    }

    /// Replays all logs into `transaction`. Whoever called commits it, drops it, or reads it.
    ///
    /// Where a policy may leave things out, runs in transactions of their own first find out which; a policy without
    /// resolvers needs one run.
    ///
    /// - Returns: what was done. On a volume without a log that is nothing.
    /// - Throws: `LogError` when the log cannot be replayed under the policy. The transaction is then of no use.
    public func run(in transaction: Transaction) throws(LogError) -> ReplayReport {
        if setup.policy.handlesAny { _ = try run() }
        return try attempt(in: transaction, isCollecting: false).report
    }

    /// Replays all logs into a new transaction, beginning anew as often as something has to be left out.
    ///
    /// The first times for one inode or item each, then for all that a run finds. A log that needs too many runs is
    /// given up, if the options allow it.
    public func run() throws(LogError) -> (transaction: Transaction, report: ReplayReport) {
        while true {
            let transaction = try makeTransaction()
            do throws(LogError) {
                let isCollecting = restartCount >= Self.singleRestartLimit
                let (report, found) = try attempt(in: transaction, isCollecting: isCollecting)
                if found.isEmpty { return (transaction, report) }
                try leaveOut(found)
            } catch {
                guard case .leaveOut(let thing) = error.cause else { throw error }
                try leaveOut([thing])
            }
        }
    }

    private func makeTransaction() throws(LogError) -> Transaction {
        do { return try Transaction(on: volume) } catch { throw LogError(.volume(error)) }
    }

    private func leaveOut(_ things: [SkippedThing]) throws(LogError) {
        var isNew = false
        for thing in things where leftOut[thing.subvolume, default: LeftOut()].insert(thing) { isNew = true }
        guard isNew, let last = things.last else {
            throw LogError(
                .plugin("leaving this out does not help: \(things.last?.description ?? "nothing")"),
                at: things.last?.place ?? LogPlace())
        }
        restartCount += 1
        guard restartCount > Self.restartLimit else { return }
        let reason = "after \(restartCount) runs there was still more to leave out, lastly: \(last.reason)"
        guard setup.options.givesUpLogs else { throw LogError(.hopelessLog(reason), at: last.place) }
        for subvolume in Set(things.map(\.subvolume)) {
            _ = leftOut[subvolume]?.insert(SkippedThing(.log, of: subvolume, reason: reason, at: last.place))
        }
    }

    // MARK: One run

    /// - Returns: what was done, and of a run that collects what has to be left out of the next one.
    private func attempt(
        in transaction: Transaction, isCollecting: Bool
    ) throws(LogError) -> (report: ReplayReport, found: [SkippedThing]) {
        var report = ReplayReport(
            committedGeneration: volume.superblock.generation, generation: transaction.generation,
            policy: setup.policy.name)
        report.handlers = handlerReports()
        report.restartCount = restartCount
        for plugin in setup.registry.extensions { try plugin.beginRun() }
        report.extensions = setup.registry.extensions.map { $0.makeReport() }
        guard let forest = try LogForest(of: volume) else { return (report, []) }
        var sessions: [ReplaySession] = []
        var skipped: [SubvolumeReport] = []
        report.logBlockCount = try pin(forest, transaction, isCollecting, &sessions, &skipped)
        for stage in [ReplayStage.inodes, .directoryIndex, .everything] {
            try walk(sessions, stage, transaction, blockCount: report.logBlockCount)
        }
        let found = sessions.flatMap { $0.found ?? [] }
        guard found.isEmpty else { return (report, found) }
        for session in sessions { try requireSomething(of: session.report) }
        try deleteOrphans(sessions, transaction)
        report.subvolumes = (sessions.map(\.report) + skipped).sorted { $0.subvolume > $1.subvolume }
        report.extensions = setup.registry.extensions.map { $0.makeReport() }
        return (report, [])
    }

    /// A log with leaves of which none could be read is not thrown away unasked.
    private func requireSomething(of report: SubvolumeReport) throws(LogError) {
        guard report.itemCount == 0, let thing = report.leftOut.first, !setup.options.givesUpLogs else { return }
        throw LogError(.hopelessLog(thing.reason), at: thing.place)
    }

    private func deleteOrphans(_ sessions: [ReplaySession], _ transaction: Transaction) throws(LogError) {
        for id in Set(sessions.map(\.report.subvolume) + [.fileTree]).sorted() {
            let tree: Tree?
            do { tree = try transaction.tree(id) } catch { throw LogError(.volume(error)) }
            if let tree { try Orphans.delete(in: tree, transaction) }
        }
    }

    private func handlerReports() -> [HandlerReport] {
        setup.registry.itemTypes.all.compactMap { type in
            type.handler.map {
                HandlerReport(
                    itemType: type.name, keyType: type.keyType, handler: $0.name,
                    stage: $0.stage)
            }
        }
    }

    /// Pins every block of every log, and opens a session for each log that is to be replayed.
    ///
    /// - Returns: how many blocks there are.
    private func pin(
        _ forest: LogForest, _ transaction: Transaction, _ isCollecting: Bool,
        _ sessions: inout [ReplaySession], _ skipped: inout [SubvolumeReport]
    ) throws(LogError) -> Int {
        let walk = LogWalk()
        var control = WalkControl(stage: .pin, process: setup.pin)
        control.pin = true
        control.transaction = transaction
        control.target = TransactionTarget(
            transaction, hasMixedGroups: volume.superblock.incompat.contains(.mixedGroups))
        control.progress = setup.options.progress
        try walk.run(over: forest.roots, control)
        for entry in forest.entries {
            guard let log = try open(entry, in: forest, &skipped) else { continue }
            let session = try session(for: entry, log, forest, transaction, isCollecting, &skipped)
            control.session = session
            control.damageHandler = session ?? PassOverDamage()
            try walk.run(over: log, control)
            if let session { sessions.append(session) }
        }
        return walk.blockCount
    }

    /// Opens the log of a subvolume; nil when the policy leaves it out because its root cannot be read.
    private func open(
        _ entry: LogForest.Entry, in forest: LogForest, _ skipped: inout [SubvolumeReport]
    ) throws(LogError) -> LogTree? {
        do throws(LogError) {
            return try forest.open(entry, keepsDamagedItems: setup.policy.handles(.damagedItem))
        } catch {
            guard setup.policy.handles(.damagedItem), let resolver = setup.policy.resolver(for: .damagedItem)
            else { throw error }
            let conflict = Conflict(
                .damagedItem, at: error.place, inode: .firstFree, detail: error.causeText,
                mainline: .abort(reason: error.causeText))
            switch try resolver.resolve(conflict) {
            case .skipInode, .skipItem: break
            default: throw error
            }
            guard setup.options.givesUpLogs else {
                throw LogError(.hopelessLog(error.causeText), at: error.place, note: error.note)
            }
            let thing = SkippedThing(.log, of: entry.subvolume, reason: error.causeText, at: error.place)
            skipped.append(SubvolumeReport(subvolume: entry.subvolume, isReplayed: false, leftOut: [thing]))
            return nil
        }
    }

    /// The replay of a log; nil when its subvolume does not exist, or the log is left out.
    private func session(
        for entry: LogForest.Entry, _ log: LogTree, _ forest: LogForest, _ transaction: Transaction,
        _ isCollecting: Bool, _ skipped: inout [SubvolumeReport]
    ) throws(LogError) -> ReplaySession? {
        if let leftOut = leftOut[entry.subvolume], leftOut.hasLog {
            skipped.append(SubvolumeReport(subvolume: entry.subvolume, isReplayed: false, leftOut: leftOut.things))
            return nil
        }
        let tree: Tree?
        do {
            tree = try forest.hasSubvolume(entry) ? try transaction.tree(entry.subvolume) : nil
        } catch { throw LogError(from: error, at: entry.place) }
        if let tree {
            return ReplaySession(
                log, of: entry.subvolume, into: tree, in: transaction, setup,
                leftOut: leftOut[entry.subvolume] ?? LeftOut(), isCollecting: isCollecting)
        }
        let reason = "there is no subvolume \(entry.subvolume)"
        guard setup.policy.tolerates(.missingSubvolumes) else {
            throw LogError(
                .notTolerated(.missingSubvolumes, policy: setup.policy.name, detail: reason), at: entry.place)
        }
        var report = SubvolumeReport(subvolume: entry.subvolume, isReplayed: false)
        report.tolerated[.missingSubvolumes] = 1
        report.skip(.log, reason, at: entry.place)
        skipped.append(report)
        return nil
    }

    private func walk(
        _ sessions: [ReplaySession], _ stage: ReplayStage, _ transaction: Transaction, blockCount: Int
    ) throws(LogError) {
        let walk = LogWalk()
        var control = WalkControl(stage: stage, process: setup.replay)
        control.transaction = transaction
        control.progress = setup.options.progress
        control.blockCount = blockCount
        control.readsAhead = true
        for session in sessions {
            control.session = session
            control.damageHandler = session
            session.begin(stage)
            try walk.run(over: session.log, control)
            if stage == .everything { try session.settleLinkCounts() }
        }
    }
}

/// For a log that is not replayed: what of it can be read is pinned all the same.
private final class PassOverDamage: DamageHandler {
    func handleDamage(of block: LogBlock, _ error: LogError) throws(LogError) {}
}
