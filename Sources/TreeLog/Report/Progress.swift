public import BtrfsFormat

/// How far a walk over the logs has come. Given to `ReplayOptions.progress` at most once per log block.
public struct Progress: Sendable {
    public var stage: ReplayStage
    public var subvolume: ObjectID
    /// Log blocks done in this stage, and how many there are (known after the stage `pin`; 0 before).
    public var doneBlockCount: Int
    public var blockCount: Int

    public init(stage: ReplayStage, subvolume: ObjectID, doneBlockCount: Int, blockCount: Int) {
        self.stage = stage
        self.subvolume = subvolume
        self.doneBlockCount = doneBlockCount
        self.blockCount = blockCount
    }
}
