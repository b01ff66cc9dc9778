internal import BtrfsFormat
internal import BtrfsVolume

/// DIR_INDEX: one name in a directory.
///
/// A name that another inode has in the subvolume is taken from it. The name itself is mostly left to the
/// INODE_REF items of its inode; only where the log has none it is added here.
///
/// The corresponding kernel functions are `replay_one_dir_item` and `replay_one_name`.
public struct DirIndexHandler: ReplayHandler {
    public var name: String { "DirIndexHandler" }
    public var stage: ReplayStage { .directoryIndex }

    /// The handler; it has no state.
    public init() {}

    public func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        let directory = item.key.objectID
        guard let state = try context.directory(directory) else {
            throw context.failure(.missingDirectory(directory))
        }
        do {
            var entries = DirEntries(item.data)
            while let entry = try entries.next() {
                let wish = NameWish(
                    directory: directory, index: item.key.offset, location: entry.location, type: entry.type)
                try replay(entry.name, wish, state, in: &context)
            }
        } catch { throw context.failure(from: error) }
    }

    /// What a logged entry says of a name.
    struct NameWish {
        var directory: ObjectID
        var index: UInt64
        var location: Key
        var type: DirEntryType
        var target: ObjectID { location.objectID }
    }

    private func replay(
        _ name: RawSpan, _ wish: NameWish, _ state: DirectoryState, in context: inout ReplayContext
    ) throws(LogError) {
        if context.isLeftOut(wish.target) { return }
        var hasName = false
        if state.mayHaveNames {
            let byName: MatchResult
            var byIndex = MatchResult.absent
            byName = try match(try entry(named: name, wish, context), name, wish, in: &context)
            if byName == .skip { return }
            if wish.index <= state.highestIndex {
                byIndex = try match(try entry(at: name, wish, context), name, wish, in: &context)
                if byIndex == .skip { return }
            }
            if byName == .matches, byIndex == .matches { return }
            hasName = byName == .matches
        }
        guard wish.location.type == .inodeItem else {
            // Linux would look the subvolume's number up as that of an inode and link an unrelated file.
            throw context.failure(
                .refused("a logged name of subvolume \(wish.target) that the directory does not have"))
        }
        if try hasLoggedReference(name, wish, context) { return }
        try add(name, wish, hasName: hasName, in: &context)
    }

    // MARK: What the subvolume has

    private enum MatchResult { case absent, matches, left, removed, skip }

    private func entry(
        named name: RawSpan, _ wish: NameWish, _ context: borrowing ReplayContext
    ) throws(LogError) -> EntryTarget? {
        do { return try context.names.entry(named: name, in: wish.directory) } catch {
            throw context.failure(from: error)
        }
    }

    private func entry(
        at name: RawSpan, _ wish: NameWish, _ context: borrowing ReplayContext
    ) throws(LogError) -> EntryTarget? {
        do { return try context.names.entry(at: wish.index, named: name, in: wish.directory) } catch {
            throw context.failure(from: error)
        }
    }

    /// Compares with what the subvolume has under the name, and takes the name from another inode.
    private func match(
        _ found: EntryTarget?, _ name: RawSpan, _ wish: NameWish, in context: inout ReplayContext
    ) throws(LogError) -> MatchResult {
        guard let found else { return .absent }
        if found.location == wish.location, found.type == wish.type { return .matches }
        guard wish.location.type == .inodeItem, try context.inodeExists(wish.target) else { return .left }
        let isFree = try context.takeName(
            name, in: wish.directory, index: wish.index, from: found, for: wish.target)
        return isFree ? .removed : .skip
    }

    /// Whether the inode's own references in the log bring the name.
    private func hasLoggedReference(
        _ name: RawSpan, _ wish: NameWish, _ context: borrowing ReplayContext
    ) throws(LogError) -> Bool {
        do {
            return try context.loggedNames.reference(from: wish.target, to: wish.directory, name: name) != nil
        } catch { throw context.failure(from: error) }
    }

    // MARK: Adding

    /// The corresponding kernel function is `insert_one_name`.
    private func add(
        _ name: RawSpan, _ wish: NameWish, hasName: Bool, in context: inout ReplayContext
    ) throws(LogError) {
        guard let target = try context.inode(wish.target) else {
            try context.tolerate(.danglingNames, "a name of inode \(wish.target), which does not exist")
            let text = name.copied
            try context.settleMissing(
                .missingInode, inode: wish.target, name: text, directory: wish.directory,
                detail: "a name of inode \(wish.target), which does not exist")
            context.report.skip(
                .name(text, directory: wish.directory, inode: wish.target), "its inode does not exist",
                at: context.place)
            return
        }
        // The inode has the name already, under another index.
        if hasName { return }
        var index = wish.index
        while true {
            let result = try context.addLink(
                name, at: index, to: wish.target, type: target.fileType, in: wish.directory,
                backReference: .add)
            switch result {
            case .added:
                if !target.isDirectory { context.fixUp(wish.target) }
                return
            case .nameExists, .referenceExists:
                return
            case .indexTaken:
                guard let next = try context.settleIndex(index, name, in: wish.directory, of: wish.target)
                else { return }
                index = next
            case .collisionsFull, .referencesFull:
                throw context.failure(.damaged("no room for the name in directory \(wish.directory)"))
            }
        }
    }
}
