internal import BtrfsFormat

/// Items of a plugin's type: copied, and where the subvolume has another one, decided by the type's resolver.
///
/// Items of an optional type that nobody registered are carried over by it as well.
public struct CustomItemHandler: ReplayHandler {
    public let stage: ReplayStage

    /// A handler that copies items in `stage`.
    public init(stage: ReplayStage = .everything) { self.stage = stage }

    public func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        let inode = item.key.objectID
        guard try context.inodeExists(inode) else { throw context.failure(.missingInode(inode)) }
        if try context.overwrite(item, conflict: .customItem) {
            context.report.update(inode) { $0.customItemCount += 1 }
        }
    }
}
