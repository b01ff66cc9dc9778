public import BtrfsFormat

/// An item of a log in place; valid during one call.
public struct LoggedItem: ~Escapable {
    /// The key of the item.
    public let key: Key
    /// The item's bytes, in the memory of the log block.
    public let data: RawSpan
    /// The log block that holds it.
    public let block: LogicalAddress
    /// Its number in that block.
    public let slot: Int

    /// An item as it is in a log block.
    @inline(__always)
    @_lifetime(copy data)
    public init(key: Key, data: RawSpan, block: LogicalAddress, slot: Int) {
        self.key = key
        self.data = data
        self.block = block
        self.slot = slot
    }
}

/// Brings the items of one type from a log into the subvolume.
///
/// It is called for every item of its type, in key order, in its stage. It works through the context alone:
/// that is all the built-in handlers have as well. The corresponding kernel function is `replay_one_buffer`.
public protocol ReplayHandler {
    /// The pass in which the items are replayed: `inodes`, `directoryIndex` or `everything`.
    var stage: ReplayStage { get }
    /// For the report; the name of the Swift type where it is not said. Whoever is part of every replay says it: Swift
    /// finds out the name of a type by a search that takes as long as the replay of hundreds of items.
    var name: String { get }

    /// Replays one item.
    ///
    /// - Throws: `LogError`, best by `ReplayContext.failure`, which adds the place. A policy may decide about it.
    func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError)
}

extension ReplayHandler {
    public var name: String { String(describing: Swift.type(of: self)) }
}
