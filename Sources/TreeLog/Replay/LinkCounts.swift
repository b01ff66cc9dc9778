internal import BtrfsFormat
internal import BtrfsVolume

/// Gives every inode on the fix-up list the link count that its names make, highest inode first.
///
/// An inode without a name becomes an orphan, and is deleted at the end (`Orphans`); a directory without a
/// name first loses all its names, which puts more inodes on the list. The corresponding kernel functions are
/// `fixup_inode_link_counts` and `fixup_inode_link_count`.
enum LinkCounts {
    static func settle(_ context: inout ReplayContext) throws(LogError) {
        try context.settleByteCount()
        do { try context.growth.store(in: context.names) } catch { throw context.failure(from: error) }
        try context.storeChecksums()
        context.place = LogPlace(subvolume: context.subvolume, stage: .linkCounts)
        while let inode = context.fixUps.removeHighest() {
            context.place.key = Key(inode, .inodeItem, 0)
            try settle(inode, &context)
        }
        context.place.key = nil
    }

    private static func settle(_ inode: ObjectID, _ context: inout ReplayContext) throws(LogError) {
        let cursor = context.cursor
        let count: UInt64
        do {
            // The inode item and the references stand side by side.
            guard try cursor.seek(Key(inode, .inodeItem, 0)) else { throw context.failure(.missingInode(inode)) }
            let mode: UInt32
            let nlink: UInt32
            let item = cursor.data
            mode = try InodeItem.mode(in: item)
            nlink = try InodeItem.nlink(in: item)
            count = try countNames(of: inode, cursor)
            let isDirectory = DirEntryType(mode: mode) == .directory
            guard count <= 1 || !isDirectory else {
                // Linux finds out when it writes the item, and fails then.
                throw context.failure(.damaged("directory \(inode) would have \(count) names"))
            }
            if UInt64(nlink) != count {
                let links = UInt32(clamping: count)
                try context.names.updateInode(inode) { $0.nlink = links }
            }
            guard count == 0 else { return }
            if isDirectory {
                try DirectoryDeletions.removeAll(of: inode, in: &context)
            }
            try context.names.addOrphan(inode)
        } catch { throw context.failure(from: error) }
        try noteLost(inode, &context)
    }

    /// Counts the names behind the inode item on which the cursor stands.
    private static func countNames(of inode: ObjectID, _ cursor: TreeCursor) throws -> UInt64 {
        var count: UInt64 = 0
        while try cursor.next(), cursor.key.objectID == inode, cursor.key.type <= .inodeExtref {
            let item = cursor.data
            if cursor.key.type == .inodeRef {
                var entries = InodeRefs(item)
                while try entries.next() != nil { count += 1 }
            } else if cursor.key.type == .inodeExtref {
                var entries = InodeExtrefs(item)
                while try entries.next() != nil { count += 1 }
            }
        }
        return count
    }

    private static func noteLost(_ inode: ObjectID, _ context: inout ReplayContext) throws(LogError) {
        if context.report.isLogged(inode) {
            try context.tolerate(.lostInodes, "inode \(inode) ends without a name and is deleted")
        }
        context.report.update(inode) { $0.isOrphan = true }
    }
}
