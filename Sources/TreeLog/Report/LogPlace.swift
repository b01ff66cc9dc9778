public import BtrfsFormat

/// Where in a log something is: what every error and every line of a report names.
public struct LogPlace: Hashable, Sendable {
    /// The subvolume whose log it is; nil for the tree of log trees.
    public var subvolume: ObjectID?
    /// The log block.
    public var block: LogicalAddress?
    /// The slot of the item in the block.
    public var slot: Int?
    /// The key of the item.
    public var key: Key?
    /// The stage of the replay.
    public var stage: ReplayStage?

    /// A place, as far as it is known.
    public init(
        subvolume: ObjectID? = nil, block: LogicalAddress? = nil, slot: Int? = nil, key: Key? = nil,
        stage: ReplayStage? = nil
    ) {
        self.subvolume = subvolume
        self.block = block
        self.slot = slot
        self.key = key
        self.stage = stage
    }
}

extension LogPlace: CustomStringConvertible {
    /// `log of subvolume 256, block 30982144, slot 3, key (262 INODE_REF 257), stage everything`
    public var description: String {
        var parts = [subvolume.map { "log of subvolume \($0)" } ?? "log"]
        if let block { parts.append("block \(block)") }
        if let slot { parts.append("slot \(slot)") }
        if let key { parts.append("key \(key)") }
        if let stage { parts.append("stage \(stage)") }
        return parts.joined(separator: ", ")
    }
}
