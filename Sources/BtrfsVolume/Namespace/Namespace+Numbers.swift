public import BtrfsFormat

extension Namespace {
    /// The first index that a directory gives to a name: 0 and 1 are those of `.` and `..`.
    ///
    /// The corresponding kernel constant is `BTRFS_DIR_START_INDEX`.
    public static let firstDirectoryIndex: UInt64 = 2

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

    /// The index for the next name in `directory`: one more than its highest.
    ///
    /// The corresponding kernel function is `btrfs_set_inode_index_count`.
    public func nextDirectoryIndex(of directory: ObjectID) throws(VolumeError) -> UInt64 {
        let cursor = tree.makeCursor()
        guard try cursor.seekLast(through: Key(directory, .dirIndex, .max)),
            cursor.key.objectID == directory, cursor.key.type == .dirIndex
        else { return Self.firstDirectoryIndex }
        guard cursor.key.offset < UInt64(Int64.max) else {
            throw .damaged("directory \(directory) has a name with the index \(cursor.key.offset), which none reaches")
        }
        return max(cursor.key.offset + 1, Self.firstDirectoryIndex)
    }

    /// Whether `name` finds room in the item of its hash in `directory`, or is there and can be replaced.
    ///
    /// The corresponding kernel function is `btrfs_check_dir_item_collision`.
    public func hasRoom(for name: RawSpan, in directory: ObjectID) throws(VolumeError) -> Bool {
        let tree = tree
        let key = Key(directory, .dirItem, UInt64(NameHash.name(name)))
        guard let item = try tree.find(key) else { return true }
        let isThere = try parsing(key) { () throws(FormatError) in try DirEntries.find(name, in: item) != nil }
        return isThere || item.byteCount + DirEntries.headerByteCount + name.byteCount <= maximumItemByteCount
    }

    /// Whether `inode` can get one more reference to `directory`.
    public func hasRoom(
        forReferenceFrom inode: ObjectID, to directory: ObjectID, name: RawSpan
    ) throws(VolumeError) -> Bool {
        let tree = tree
        guard let item = try tree.find(Key(inode, .inodeRef, directory.rawValue)) else { return true }
        if item.byteCount + 10 + name.byteCount <= maximumItemByteCount { return true }
        guard allowsExtendedReferences else { return false }
        guard let extended = try tree.find(Key(inode, .inodeExtref, NameHash.extref(parent: directory, name)))
        else { return true }
        return extended.byteCount + 18 + name.byteCount <= maximumItemByteCount
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
}

extension Namespace {
    /// The largest value that an extended attribute of `name` can have by the size of a leaf.
    ///
    /// The corresponding kernel macro is `BTRFS_MAX_XATTR_SIZE`.
    public func maximumXattrByteCount(named name: RawSpan) -> Int {
        maximumItemByteCount - DirEntries.headerByteCount - name.byteCount
    }

    /// Whether the item for the hash of `name` has room for the attribute with a value of this size, in place of the
    /// value that it has now.
    public func hasRoom(
        forXattr name: RawSpan, byteCount: Int, of inode: ObjectID
    ) throws(VolumeError) -> Bool {
        let tree = tree
        let key = Key(inode, .xattrItem, UInt64(NameHash.name(name)))
        let needed = DirEntries.headerByteCount + name.byteCount + byteCount
        guard let item = try tree.find(key) else { return needed <= maximumItemByteCount }
        let found = try parsing(key) { () throws(FormatError) in try DirEntries.find(name, in: item) }
        return item.byteCount - (found?.range.count ?? 0) + needed <= maximumItemByteCount
    }

    /// Gives `inode` the extended attribute `name`, new or in place of the one there.
    ///
    /// The corresponding kernel function is `btrfs_setxattr`.
    ///
    /// - Throws: `VolumeError.itemTooLarge` when the attributes of this hash would not fit a leaf; nothing has changed.
    public func setXattr(named name: RawSpan, to value: RawSpan, of inode: ObjectID) throws(VolumeError) {
        let key = Key(inode, .xattrItem, UInt64(NameHash.name(name)))
        guard try hasRoom(forXattr: name, byteCount: value.byteCount, of: inode) else {
            throw .itemTooLarge(tree: tree.id, key, size: DirEntries.headerByteCount + name.byteCount + value.byteCount)
        }
        _ = try removeXattr(named: name, of: inode)
        let tree = tree
        let buffer = buffer
        buffer.removeAll()
        if let item = try tree.find(key) { buffer.append(item) }
        buffer.append(Key(ObjectID(0), KeyType(0), 0))
        buffer.append(writer.generation)
        buffer.append(UInt16(truncatingIfNeeded: value.byteCount))
        buffer.append(UInt16(truncatingIfNeeded: name.byteCount))
        buffer.append(DirEntryType.xattr.rawValue)
        buffer.append(name)
        buffer.append(value)
        try tree.put(key, buffer.bytes)
    }
}
