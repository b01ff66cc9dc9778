public import BtrfsVolume

/// How a walk over a log goes: what is done with each block, and for which purpose.
///
/// The corresponding kernel structure is `walk_control`.
public struct WalkControl {
    /// After its process function each block is freed: the log is given up.
    public var free = false
    /// Blocks are to be written.
    public var write = false
    /// Blocks are to be waited for.
    public var wait = false
    /// Blocks are to be pinned.
    public var pin = false
    /// The content of all blocks will be needed: leaves may be read before the walk comes to them.
    public var readsAhead = false
    /// The pass of the replay that this walk is.
    public var stage: ReplayStage
    /// What is done with each block.
    public var process: any ProcessFunction
    /// What the flags above act on.
    public var target: (any LogBlockTarget)?
    /// The transaction of the replay.
    public var transaction: Transaction?
    /// The replay of the log that is walked; nil in a walk for another purpose.
    public var session: ReplaySession?
    /// Who decides about blocks that cannot be read; nil ends the walk there.
    public var damageHandler: (any DamageHandler)?
    /// Called after each block.
    public var progress: ((Progress) -> Void)?
    /// For progress: how many blocks there are.
    public var blockCount = 0

    /// A walk that only calls `process`.
    public init(stage: ReplayStage, process: any ProcessFunction) {
        self.stage = stage
        self.process = process
    }

    /// The subvolume tree into which the log is replayed.
    public var destination: Tree? { session?.tree }
}
