internal import BtrfsFormat
internal import BtrfsVolume

/// Deletes the inodes that have no name left, with their extents, in the transaction of the replay.
///
/// Linux does it when it mounts the volume for writing, right after the replay, in the top-level subvolume and all
/// those that had a log; so the volume looks the same whether Linux has mounted it since or not. The corresponding
/// kernel function is `btrfs_orphan_cleanup`.
enum Orphans {
    static func delete(in tree: Tree, _ transaction: Transaction) throws(LogError) {
        let names = Namespace(tree, in: transaction)
        let cursor = tree.makeCursor()
        var place = LogPlace(subvolume: tree.id, stage: .linkCounts)
        do throws(VolumeError) {
            while let orphan = try first(cursor) {
                place.key = orphan
                let inode = ObjectID(orphan.offset)
                // One with names got a hash tree when the power went. Kernels before 4.17 also noted inodes here that
                // were to be cut; those keep what they have.
                if try names.inode(inode)?.nlink == 0 {
                    try names.deleteInode(inode)
                } else {
                    try names.dropVerityItems(of: inode)
                }
                try tree.remove(orphan)
            }
        } catch { throw LogError(.volume(error), at: place) }
    }

    /// The key of the first orphan item.
    private static func first(_ cursor: TreeCursor) throws(VolumeError) -> Key? {
        try cursor.seek(Key(.orphan, .orphanItem, 0))
        guard cursor.isValid, cursor.key.objectID == .orphan, cursor.key.type == .orphanItem else { return nil }
        return cursor.key
    }
}
