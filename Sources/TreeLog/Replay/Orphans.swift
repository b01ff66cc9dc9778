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
            while let orphan = try first(Key(.orphan, .orphanItem, 0), cursor) {
                place.key = orphan
                let inode = ObjectID(orphan.offset)
                // Kernels before 4.17 also noted inodes here that were to be cut; those keep what they have.
                if try names.inode(inode)?.nlink == 0 { try delete(inode, names, cursor) }
                try tree.remove(orphan)
            }
        } catch { throw LogError(.volume(error), at: place) }
    }

    private static func delete(
        _ inode: ObjectID, _ names: Namespace, _ cursor: TreeCursor
    ) throws(VolumeError) {
        _ = try names.dropExtents(of: inode, from: 0, to: .max)
        while let key = try first(Key(inode, KeyType(0), 0), cursor) { try cursor.tree.remove(key) }
    }

    /// The first key from `key` on that belongs to the same object and, but for type 0, is of the same type.
    private static func first(_ key: Key, _ cursor: TreeCursor) throws(VolumeError) -> Key? {
        try cursor.seek(key)
        guard cursor.isValid, cursor.key.objectID == key.objectID else { return nil }
        return key.type == KeyType(0) || cursor.key.type == key.type ? cursor.key : nil
    }
}
