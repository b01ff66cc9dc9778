internal import BtrfsFormat
internal import BtrfsVolume

/// INODE_ITEM: what the log says of an inode, and what it says is gone from it.
///
/// In this order: extended attributes that the log lacks are removed; of a directory the names that the log says
/// are deleted; the inode item is copied; of a regular file all extents behind its end are dropped. The
/// corresponding kernel function is `replay_one_buffer` in the stage `LOG_WALK_REPLAY_INODES`.
public struct InodeItemHandler: ReplayHandler {
    public var name: String { "InodeItemHandler" }
    public var stage: ReplayStage { .inodes }

    /// The handler; it has no state.
    public init() {}

    public func replay(_ item: borrowing LoggedItem, in context: inout ReplayContext) throws(LogError) {
        let inode = item.key.objectID
        var logged: InodeItem
        do { logged = try InodeItem(item.data) } catch { throw context.failure(from: error) }
        logged.clearReserved()
        let committed = try context.inode(inode)
        if let committed, committed.fileType != logged.fileType {
            // Numbers of inodes are not used again within a transaction, so no kernel writes this.
            throw context.failure(
                .refused("inode \(inode) is \(committed.fileType) in the subvolume and \(logged.fileType) in the log"))
        }
        context.report.noteInode(inode, mode: logged.mode, isNew: committed == nil)
        if let committed {
            // A new inode has nothing of what follows.
            try removeXattrs(of: inode, in: &context)
            if logged.isDirectory {
                try DirectoryDeletions.replay(of: inode, in: &context)
            }
            try overwrite(committed, with: logged, item, in: &context)
            if logged.isRegularFile { try dropBehindEnd(of: inode, in: &context) }
            context.fixUp(inode)
        } else {
            logged.nbytes = 0
            if logged.isDirectory { logged.size = 0 }
            if logged.generation == 0 { logged.generation = context.transaction.generation }
            try put(logged, inode, in: &context)
            context.fixUps.insert(new: inode, linkCount: logged.nlink)
        }
    }

    // MARK: The item

    /// The corresponding kernel function is `overwrite_item`.
    private func overwrite(
        _ before: InodeItem, with logged: InodeItem, _ item: borrowing LoggedItem,
        in context: inout ReplayContext
    ) throws(LogError) {
        let inode = item.key.objectID
        // Names may have gone since: of a directory they count in its size.
        guard let committed = before.isDirectory ? try context.inode(inode) : before else {
            throw context.failure(.missingInode(inode))
        }
        var result = merge(committed, logged)
        if result == committed { return }
        if context.handles(.inodeItem) {
            guard let settled = try settle(committed, result, item, in: &context) else { return }
            result = settled
        }
        try put(result, inode, in: &context)
    }

    /// What the kernel makes of both items.
    private func merge(_ committed: InodeItem, _ logged: InodeItem) -> InodeItem {
        if logged.generation == 0 {
            // The log only says that the inode exists, and its size where that was logged before.
            var result = committed
            if committed.isRegularFile, logged.isRegularFile, logged.size != 0 { result.size = logged.size }
            return result
        }
        var result = logged
        result.nbytes = committed.nbytes
        if committed.isDirectory, logged.isDirectory { result.size = committed.size }
        return result
    }

    private func put(_ result: InodeItem, _ inode: ObjectID, in context: inout ReplayContext) throws(LogError) {
        do { try context.names.putInode(inode, result) } catch { throw context.failure(from: error) }
        context.noteInode(inode)
    }

    private func settle(
        _ committed: InodeItem, _ result: InodeItem, _ item: borrowing LoggedItem,
        in context: inout ReplayContext
    ) throws(LogError) -> InodeItem? {
        let inode = item.key.objectID
        let conflict = Conflict(
            .inodeItem, at: context.place, inode: inode,
            logged: ConflictSide(inode: inode, bytes: item.data.copied),
            committed: ConflictSide(inode: inode, bytes: committed.encoded),
            detail: "log and subvolume differ about inode \(inode)", mainline: .takeLogged,
            paths: context.paths)
        switch try context.resolve(conflict) {
        case .takeLogged: return result
        case .keepCommitted, .skipItem: return nil
        case .replace(let bytes):
            guard bytes.count == InodeItem.byteCount, var replaced = try? InodeItem(bytes.rawSpan) else {
                throw context.invalid(.replace(bytes), .inodeItem)
            }
            // What is counted from other items cannot be chosen.
            replaced.nbytes = committed.nbytes
            if committed.isDirectory { replaced.size = committed.size }
            return replaced
        case let other: throw context.invalid(other, .inodeItem)
        }
    }

    // MARK: Extents behind the end

    /// The corresponding kernel function is `btrfs_drop_extents`, called from `replay_one_buffer`.
    private func dropBehindEnd(of inode: ObjectID, in context: inout ReplayContext) throws(LogError) {
        guard let item = try context.inode(inode) else { throw context.failure(.missingInode(inode)) }
        guard let start = item.size.roundedUp(to: context.sectorSize) else { return }
        do {
            let dropped = try context.names.dropExtents(of: inode, from: start, to: .max)
            if dropped > 0 { try context.names.updateInode(inode) { $0.nbytes &-= min($0.nbytes, dropped) } }
        } catch { throw context.failure(from: error) }
    }

    // MARK: Extended attributes

    /// Removes the attributes of the inode that the log does not have: it holds all of a logged inode.
    ///
    /// The corresponding kernel function is `replay_xattr_deletes`.
    private func removeXattrs(of inode: ObjectID, in context: inout ReplayContext) throws(LogError) {
        var gone: [[UInt8]] = []
        let cursor = context.cursor
        let logged = context.logged
        do {
            _ = try cursor.seek(Key(inode, .xattrItem, 0))
            while cursor.isValid, cursor.key.objectID == inode, cursor.key.type == .xattrItem {
                try collectMissing(cursor.data, logged: try logged.find(cursor.key), in: &gone)
                guard try cursor.next() else { break }
            }
        } catch { throw context.failure(from: error) }
        for name in gone { try removeXattr(name, of: inode, in: &context) }
    }

    private func collectMissing(
        _ committed: RawSpan, logged: RawSpan?, in gone: inout [[UInt8]]
    ) throws(FormatError) {
        if let logged, logged.hasSameBytes(as: committed) { return }
        var entries = DirEntries(committed)
        while let entry = try entries.next() {
            var isLogged = false
            if let logged {
                var candidates = DirEntries(logged)
                while let candidate = try candidates.next() {
                    if candidate.name.hasSameBytes(as: entry.name) { isLogged = true }
                }
            }
            if !isLogged { gone.append(entry.name.copied) }
        }
    }

    private func removeXattr(
        _ name: [UInt8], of inode: ObjectID, in context: inout ReplayContext
    ) throws(LogError) {
        try context.tolerate(.removedXattrs, "an attribute of inode \(inode) is not in the log")
        if context.handles(.xattr) {
            let conflict = Conflict(
                .xattr, at: context.place, inode: inode, committed: ConflictSide(inode: inode), name: name,
                detail: "the log no longer has this attribute", mainline: .takeLogged, paths: context.paths)
            switch try context.resolve(conflict) {
            case .takeLogged: break
            case .keepCommitted, .skipItem: return
            case let other: throw context.invalid(other, .xattr)
            }
        }
        do { try context.names.removeXattr(named: name.rawSpan, of: inode) } catch {
            throw context.failure(from: error)
        }
        context.report.update(inode) { $0.removedXattrCount += 1 }
    }
}

extension UInt64 {
    /// The next multiple of `unit`, a power of two; nil where that is beyond 64 bits.
    func roundedUp(to unit: UInt64) -> UInt64? {
        let (sum, overflow) = addingReportingOverflow(unit - 1)
        return overflow ? nil : sum & ~(unit - 1)
    }
}
