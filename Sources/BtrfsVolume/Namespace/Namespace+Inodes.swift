public import BtrfsFormat

extension Namespace {
    /// The inode item of `inode`; nil where there is none.
    public func inode(_ inode: ObjectID) throws(VolumeError) -> InodeItem? {
        let tree = tree
        let key = Key(inode, .inodeItem, 0)
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try InodeItem(item) }
    }

    /// Whether `inode` has an inode item.
    public func hasInode(_ inode: ObjectID) throws(VolumeError) -> Bool {
        try tree.contains(Key(inode, .inodeItem, 0))
    }

    /// Changes the inode item of `inode` in place. Its transid becomes that of the transaction.
    ///
    /// The corresponding kernel function is `btrfs_update_inode`.
    ///
    /// - Returns: whether there is such an inode.
    /// - Complexity: one search of the tree.
    @discardableResult
    public func updateInode(
        _ inode: ObjectID, _ change: (inout InodeItem) -> Void
    ) throws(VolumeError) -> Bool {
        try changeInode(inode) { (bytes: inout MutableRawSpan, generation) throws(FormatError) in
            var item = try InodeItem(bytes.bytes)
            change(&item)
            item.transid = generation
            item.store(in: &bytes, at: 0)
        }
    }

    /// Adds to what the inode item of `inode` counts; sums wrap around. Its transid becomes that of the transaction.
    ///
    /// - Returns: whether there is such an inode.
    /// - Complexity: one search of the tree.
    @discardableResult
    public func addToInode(
        _ inode: ObjectID, size: UInt64 = 0, nbytes: UInt64 = 0, sequence: UInt64 = 0
    ) throws(VolumeError) -> Bool {
        try changeInode(inode) { (bytes: inout MutableRawSpan, generation) throws(FormatError) in
            try InodeItem.add(size: size, nbytes: nbytes, sequence: sequence, transid: generation, to: &bytes)
        }
    }

    @inline(__always)
    private func changeInode(
        _ inode: ObjectID, _ change: (inout MutableRawSpan, Generation) throws(FormatError) -> Void
    ) throws(VolumeError) -> Bool {
        let key = Key(inode, .inodeItem, 0)
        let generation = writer.generation
        do throws(VolumeError) {
            try tree.update(key) { (bytes: inout MutableRawSpan) throws(VolumeError) in
                do throws(FormatError) { try change(&bytes, generation) } catch { throw .format(error.at(key: key)) }
            }
            return true
        } catch {
            if case .noSuchKey = error { return false }
            throw error
        }
    }

    /// Puts `item` as the inode item of `inode`, new or in place of the one there, with every field as given.
    public func putInode(_ inode: ObjectID, _ item: InodeItem) throws(VolumeError) {
        let buffer = buffer
        buffer.removeAll()
        buffer.append(item)
        try tree.put(Key(inode, .inodeItem, 0), buffer.bytes)
    }

    /// Marks `inode` as one without a name, to be deleted when the volume is next mounted.
    ///
    /// - Returns: false where it was marked before.
    @discardableResult
    public func addOrphan(_ inode: ObjectID) throws(VolumeError) -> Bool {
        let buffer = buffer
        buffer.removeAll()
        return try tree.insertIfAbsent(Key(.orphan, .orphanItem, inode.rawValue), buffer.bytes)
    }

    /// - Returns: false where `inode` was not marked.
    @discardableResult
    public func removeOrphan(_ inode: ObjectID) throws(VolumeError) -> Bool {
        try tree.remove(Key(.orphan, .orphanItem, inode.rawValue))
    }

    /// Deletes all items of `inode`, and gives up its extents.
    ///
    /// The corresponding kernel function is `btrfs_evict_inode`.
    ///
    /// - Complexity: one search for each item.
    public func deleteInode(_ inode: ObjectID) throws(VolumeError) {
        _ = try dropExtents(of: inode, from: 0, to: .max)
        let cursor = tree.makeCursor()
        while true {
            try cursor.seek(Key(inode, KeyType(0), 0))
            guard cursor.isValid, cursor.key.objectID == inode else { return }
            _ = try tree.remove(cursor.key)
        }
    }

    /// Whether `inode` has more than `count` items beside its names and extents: attributes, what fs-verity keeps,
    /// items of plugins.
    public func hasItems(_ inode: ObjectID, moreThan count: Int) throws(VolumeError) -> Bool {
        let cursor = tree.makeCursor()
        try cursor.seek(Self.firstItemKey(of: inode))
        for _ in 0..<count {
            guard cursor.isValid, cursor.key < Key(inode, .extentData, 0), try cursor.next() else { return false }
        }
        return cursor.isValid && cursor.key < Key(inode, .extentData, 0)
    }

    /// Removes the first of these items, at most `count`.
    public func dropItems(of inode: ObjectID, upTo count: Int) throws(VolumeError) {
        let cursor = tree.makeCursor()
        for _ in 0..<count {
            try cursor.seek(Self.firstItemKey(of: inode))
            guard cursor.isValid, cursor.key < Key(inode, .extentData, 0) else { return }
            try tree.remove(cursor.key)
        }
    }

    private static func firstItemKey(of inode: ObjectID) -> Key { Key(inode, .xattrItem, 0) }

    /// The number for the next inode: one more than the highest of the subvolume.
    ///
    /// The corresponding kernel function is `btrfs_init_root_free_objectid`.
    ///
    /// - Throws: `VolumeError.noSpace` when the numbers are used up.
    public func nextInodeNumber() throws(VolumeError) -> ObjectID {
        let cursor = tree.makeCursor()
        guard try cursor.seekLast(through: Key(.lastFree, KeyType(.max), .max)), cursor.key.objectID >= .firstFree
        else { return .firstFree }
        guard cursor.key.objectID < .lastFree else { throw .noSpace("no inode numbers are left") }
        return ObjectID(cursor.key.objectID.rawValue + 1)
    }
}
