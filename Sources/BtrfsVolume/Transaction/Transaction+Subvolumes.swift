public import BtrfsFormat

// What the tree of trees and the UUID tree say of subvolumes.

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
