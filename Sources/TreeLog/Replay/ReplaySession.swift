internal import BtrfsFormat
public import BtrfsVolume

/// The replay of the log of one subvolume: hands each item of a log block to the handler of its type.
///
/// It lives through all stages and keeps the state that handlers share.
public final class ReplaySession: DamageHandler {
    /// The log that is replayed.
    public let log: LogTree
    /// The tree into which the log is replayed.
    public let tree: Tree
    private var state: SessionState

    init(
        _ log: LogTree, of subvolume: ObjectID, into tree: Tree, in transaction: Transaction,
        _ setup: ReplaySetup, leftOut: LeftOut, isCollecting: Bool
    ) {
        self.log = log
        self.tree = tree
        state = SessionState(
            context: ReplayContext(
                log: log, subvolume: subvolume, tree: tree, transaction: transaction, setup: setup,
                leftOut: leftOut),
            dispatch: setup.dispatch, found: isCollecting ? [] : nil)
    }

    /// What has been done so far.
    public var report: SubvolumeReport { state.context.report }

    /// In a run that only finds out what to leave out, what was found.
    var found: [SkippedThing]? { state.found }

    /// Has to be called before each pass over the log.
    func begin(_ stage: ReplayStage) { state.begin(stage) }

    /// Replays the items of a leaf that belong to `stage`, in their order.
    ///
    /// The corresponding kernel function is `replay_one_buffer`.
    ///
    /// - Throws: what handlers throw; `LogError` when the leaf cannot be read.
    public func replay(_ block: LogBlock, in stage: ReplayStage) throws(LogError) {
        try state.replay(block, in: stage)
    }

    /// Counts the links of all inodes that need it, after the last leaf of the stage `everything`.
    func settleLinkCounts() throws(LogError) { try state.settleLinkCounts() }

    /// Lets the policy decide about a block that cannot be read: every inode of which it may hold an item.
    public func handleDamage(of block: LogBlock, _ error: LogError) throws(LogError) {
        try state.handleDamage(of: block, error)
    }
}
