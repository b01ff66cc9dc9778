public import BtrfsFormat

/// What a filter wants done with a logged item before its handler sees it.
public enum FilterVerdict: Hashable, Sendable {
    /// The item is replayed.
    case replay
    /// The item is left out.
    case ignoreItem(reason: String)
    /// The whole inode is left out: the replay starts again without any of its items.
    case ignoreInode(reason: String)
    /// These bytes are replayed in place of the item's.
    case replace([UInt8])
    /// The replay fails.
    case stop(reason: String)
}

/// Looks at logged items before they are replayed, each in the stage of its handler.
///
/// Like a resolver it is pure. A policy without one costs nothing. Items that only the handlers of other items
/// read, such as checksums and ranges of deleted names, are not shown to it.
public protocol ItemFilter {
    /// Whether it wants to see items of this type.
    func sees(_ type: KeyType) -> Bool

    /// What is to be done with an item.
    ///
    /// - Throws: `LogError` to end the replay.
    func judge(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) -> FilterVerdict
}
