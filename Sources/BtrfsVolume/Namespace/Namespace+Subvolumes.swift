public import BtrfsFormat

// Names that enter other subvolumes. They have no back reference from an inode, but a pair of items in the tree of
// trees.

extension Namespace {
    /// Adds a name that enters the subvolume whose root item is at `location`: DIR_ITEM, DIR_INDEX and the size of the
    /// directory.
    ///
    /// - Returns: `.added`, or why not; then nothing changed.
    /// - Throws: `VolumeError.noSuchKey` when the directory has no inode item.
    public func addSubvolumeEntry(
        _ name: RawSpan, at index: UInt64, to location: Key, in directory: ObjectID
    ) throws(VolumeError) -> LinkResult {
        var result = try insertDirectoryItem(name, of: location, type: .directory, in: directory)
        guard result == .added else { return result }
        result = try insertDirectoryIndex(name, at: index, of: location, type: .directory, in: directory)
        guard result == .added else {
            _ = try removeDirectoryItem(name, in: directory)
            return result
        }
        try changeSize(of: directory, by: 2 * Int64(name.byteCount))
        return .added
    }

    /// Takes a name away that enters a subvolume. The references in the tree of trees are the caller's.
    ///
    /// - Parameter index: where the name stands, as the reference in the tree of trees says; nil to look for it.
    /// - Throws: `VolumeError.noSuchKey` when the directory has no such name.
    public func removeSubvolumeEntry(
        _ name: RawSpan, at index: UInt64?, in directory: ObjectID
    ) throws(VolumeError) {
        guard try removeDirectoryItem(name, in: directory) != nil else {
            throw missing(Key(directory, .dirItem, UInt64(NameHash.name(name))))
        }
        if let index {
            _ = try tree.remove(Key(directory, .dirIndex, index))
        } else {
            var entries = entries(of: directory)
            let copied = name.copied
            while let entry = try entries.next() {
                guard entry.name == copied else { continue }
                _ = try tree.remove(Key(directory, .dirIndex, entry.index))
                break
            }
        }
        try changeSize(of: directory, by: -2 * Int64(name.byteCount))
    }

    private func changeSize(of directory: ObjectID, by delta: Int64) throws(VolumeError) {
        let found = try updateInode(directory) { directory in
            directory.size = directory.size &+ UInt64(bitPattern: delta)
            directory.sequence &+= 1
        }
        guard found else { throw missing(Key(directory, .inodeItem, 0)) }
    }
}

extension Transaction {
    /// Records that `name` in `directory` of `parent` enters `child`: ROOT_REF and ROOT_BACKREF.
    ///
    /// The corresponding kernel function is `btrfs_add_root_ref`.
    public func addRootReference(
        of child: ObjectID, in parent: ObjectID, directory: ObjectID, index: UInt64, name: [UInt8]
    ) throws(VolumeError) {
        let bytes = RootRef(directoryID: directory, sequence: index, name: name).encoded
        let tree = try rootTree()
        try tree.insert(Key(child, .rootBackref, parent.rawValue), bytes.rawSpan)
        try tree.insert(Key(parent, .rootRef, child.rawValue), bytes.rawSpan)
    }

    /// Where the name of `child` in `parent` is; nil where `parent` does not enter it.
    public func rootReference(of child: ObjectID, in parent: ObjectID) throws(VolumeError) -> RootRef? {
        let key = Key(parent, .rootRef, child.rawValue)
        let tree = try rootTree()
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try RootRef(item) }
    }

    /// The subvolume that has the name of `child`; nil where none has.
    public func parent(of child: ObjectID) throws(VolumeError) -> ObjectID? {
        let cursor = try rootTree().makeCursor()
        try cursor.seek(Key(child, .rootBackref, 0))
        guard cursor.isValid, cursor.key.objectID == child, cursor.key.type == .rootBackref else { return nil }
        return ObjectID(cursor.key.offset)
    }

    /// Forgets that `parent` has a name that enters `child`.
    ///
    /// The corresponding kernel function is `btrfs_del_root_ref`.
    public func removeRootReference(of child: ObjectID, in parent: ObjectID) throws(VolumeError) {
        let tree = try rootTree()
        try tree.remove(Key(child, .rootBackref, parent.rawValue))
        try tree.remove(Key(parent, .rootRef, child.rawValue))
    }

    /// Whether `parent` holds names that enter other subvolumes.
    public func hasRootReferences(in parent: ObjectID) throws(VolumeError) -> Bool {
        let cursor = try rootTree().makeCursor()
        try cursor.seek(Key(parent, .rootRef, 0))
        return cursor.isValid && cursor.key.objectID == parent && cursor.key.type == .rootRef
    }

    /// The root item of a tree as of now; nil when there is none.
    public func rootItem(of id: ObjectID) throws(VolumeError) -> RootItem? {
        try Volume.rootItem(of: id, in: try rootTree())?.item
    }

    /// Changes the root item of a tree; false when there is none.
    public func updateRootItem(
        of id: ObjectID, _ change: (inout RootItem) -> Void
    ) throws(VolumeError) -> Bool {
        let tree = try rootTree()
        guard let (key, old) = try Volume.rootItem(of: id, in: tree) else { return false }
        var item = old
        change(&item)
        let bytes = item.encoded
        try tree.put(key, bytes.rawSpan)
        return true
    }

    /// The number for the next subvolume.
    public func nextTreeNumber() throws(VolumeError) -> ObjectID {
        try Namespace(try rootTree()).nextInodeNumber()
    }

    /// Records which subvolume has a UUID; nothing where the volume has no UUID tree.
    ///
    /// The corresponding kernel function is `btrfs_uuid_tree_add`.
    public func addUUID(_ uuid: UUID, of subvolume: ObjectID) throws(VolumeError) {
        guard let tree = try tree(.uuidTree) else { return }
        let key = Key(ObjectID(uuid.low), .uuidSubvolume, uuid.high)
        let old = try copiedItem(key, of: tree)
        let added = [UInt8](byteCount: 8) { (span: inout MutableRawSpan) in span.store(subvolume.rawValue, at: 0) }
        let bytes = old + added
        try tree.put(key, bytes.rawSpan)
    }

    /// The data of an item, empty where there is none.
    private func copiedItem(_ key: Key, of tree: Tree) throws(VolumeError) -> [UInt8] {
        guard let item = try tree.find(key) else { return [] }
        return item.copied
    }

    /// Forgets which subvolume has a UUID.
    ///
    /// The corresponding kernel function is `btrfs_uuid_tree_remove`.
    public func removeUUID(_ uuid: UUID, of subvolume: ObjectID) throws(VolumeError) {
        guard let tree = try tree(.uuidTree) else { return }
        let key = Key(ObjectID(uuid.low), .uuidSubvolume, uuid.high)
        let old = try copiedItem(key, of: tree)
        if old.isEmpty { return }
        let removed = [UInt8](byteCount: 8) { (span: inout MutableRawSpan) in span.store(subvolume.rawValue, at: 0) }
        var kept: [UInt8] = []
        for start in stride(from: 0, to: old.count - old.count % 8, by: 8) {
            let number = old[start..<start + 8]
            if Array(number) != removed { kept += number }
        }
        guard !kept.isEmpty else {
            try tree.remove(key)
            return
        }
        let rest = kept
        try tree.put(key, rest.rawSpan)
    }
}
