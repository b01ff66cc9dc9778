public import BtrfsFormat

/// How far a walk over the logs has come. Given to `ReplayOptions.progress` at most once per log block.
public struct Progress: Sendable {
    /// The stage of the replay.
    public var stage: ReplayStage
    /// The subvolume whose log is walked.
    public var subvolume: ObjectID
    /// How many log blocks are done in this stage.
    public var doneBlockCount: Int
    /// How many blocks there are; 0 in the stage `pin`, which counts them.
    public var blockCount: Int

    /// A moment of a walk.
    public init(stage: ReplayStage, subvolume: ObjectID, doneBlockCount: Int, blockCount: Int) {
        self.stage = stage
        self.subvolume = subvolume
        self.doneBlockCount = doneBlockCount
        self.blockCount = blockCount
    }
}
