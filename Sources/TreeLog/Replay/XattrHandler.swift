internal import BtrfsFormat

/// XATTR_ITEM: the item is copied; those that the log lacks were removed with the inode item.
///
/// The corresponding kernel function is `overwrite_item`.
public struct XattrHandler: ReplayHandler {
    public var name: String { "XattrHandler" }
    public var stage: ReplayStage { .everything }

    /// The handler; it has no state.
    public init() {}

    public func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        let inode = item.key.objectID
        guard try context.inodeExists(inode) else { throw context.failure(.missingInode(inode)) }
        if try context.overwrite(item, conflict: .xattr) {
            context.report.update(inode) { $0.setXattrCount += 1 }
        }
    }
}
