internal import BtrfsFormat
internal import BtrfsVolume

/// INODE_REF and INODE_EXTREF: the names of an inode.
///
/// Every name of the item is made to exist, whoever has it now; names that the subvolume's item has and the log's
/// lacks are removed; then the item is copied. The corresponding kernel function is `add_inode_ref`.
public struct InodeRefHandler: ReplayHandler {
    public var name: String { "InodeRefHandler" }
    public var stage: ReplayStage { .everything }

    /// The handler; it has no state.
    public init() {}

    public func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        do {
            if item.key.type == .inodeRef {
                try replayReferences(item, in: &context)
            } else {
                try replayExtendedReferences(item, in: &context)
            }
        } catch { throw context.failure(from: error) }
    }

    // MARK: The two kinds of items

    private func replayReferences(
        _ item: borrowing LoggedItem, in context: inout ReplayContext
    ) throws {
        let inode = item.key.objectID
        let parent = ObjectID(item.key.offset)
        guard try context.directory(parent) != nil else {
            return try skipForMissing(parent, inode, in: &context)
        }
        guard try context.inodeExists(inode) else { throw context.failure(.missingInode(inode)) }
        var names = NameReplay(inode: inode, key: item.key)
        var entries = InodeRefs(item.data)
        while let entry = try entries.next() {
            let step = try names.replay(entry.name, index: entry.index, in: parent, &context)
            switch step {
            case .stop: return context.fixUp(inode)
            case .done(let index):
                names.keep(item.data, entry.byteRange, index: index, changed: index != entry.index)
            case .dropped: names.drop(item.data, entry.byteRange)
            }
        }
        try names.finish(item, &context)
    }

    private func replayExtendedReferences(
        _ item: borrowing LoggedItem, in context: inout ReplayContext
    ) throws {
        let inode = item.key.objectID
        var names = NameReplay(inode: inode, key: item.key)
        var entries = InodeExtrefs(item.data)
        var isFirst = true
        while let entry = try entries.next() {
            guard try context.directory(entry.parent) != nil else {
                try skipForMissing(entry.parent, inode, in: &context)
                if isFirst { return }
                names.drop(item.data, entry.byteRange)
                continue
            }
            guard try context.inodeExists(inode) else { throw context.failure(.missingInode(inode)) }
            isFirst = false
            let step = try names.replay(entry.name, index: entry.index, in: entry.parent, &context)
            switch step {
            case .stop: return context.fixUp(inode)
            case .done(let index):
                names.keep(item.data, entry.byteRange, index: index, changed: index != entry.index)
            case .dropped: names.drop(item.data, entry.byteRange)
            }
        }
        try names.finish(item, &context)
    }

    /// A name in a directory that does not exist cannot be.
    private func skipForMissing(
        _ parent: ObjectID, _ inode: ObjectID, in context: inout ReplayContext
    ) throws(LogError) {
        let detail = "a name in directory \(parent), which does not exist"
        try context.tolerate(.missingParents, detail)
        try context.settleMissing(.missingParent, inode: inode, directory: parent, detail: detail)
        context.report.skip(.item(context.place), "directory \(parent) does not exist", at: context.place)
    }
}
