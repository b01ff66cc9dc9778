public import BtrfsFormat

/// A name as the inode knows it: from its INODE_REF and INODE_EXTREF items.
public struct InodeName: Hashable, Sendable {
    /// The directory that has the name.
    public var directory: ObjectID
    /// The index of the name in the directory.
    public var index: UInt64
    /// The bytes of the name.
    public var name: [UInt8]

    /// A name of an inode.
    public init(directory: ObjectID, index: UInt64, name: [UInt8]) {
        self.directory = directory
        self.index = index
        self.name = name
    }
}

/// Where an inode keeps a back reference.
public struct BackReference: Equatable, Sendable {
    /// The index of the name in the directory.
    public var index: UInt64
    /// `.inodeRef` or `.inodeExtref`.
    public var type: KeyType

    /// Where a name was found.
    public init(index: UInt64, type: KeyType) {
        self.index = index
        self.type = type
    }
}

extension Namespace {
    /// The reference from `inode` to the name `name` in `directory`; nil where there is none.
    public func reference(
        from inode: ObjectID, to directory: ObjectID, name: RawSpan
    ) throws(VolumeError) -> BackReference? {
        let tree = tree
        let key = Key(inode, .inodeRef, directory.rawValue)
        if let item = try tree.find(key) {
            let found = try parsing(key) { () throws(FormatError) in try InodeRefs.find(name, in: item) }
            if let found { return BackReference(index: found.index, type: .inodeRef) }
        }
        let extendedKey = Key(inode, .inodeExtref, NameHash.extref(parent: directory, name))
        if let item = try tree.find(extendedKey) {
            let found = try parsing(extendedKey) { () throws(FormatError) in
                try InodeExtrefs.find(name, parent: directory, in: item)
            }
            if let found { return BackReference(index: found.index, type: .inodeExtref) }
        }
        return nil
    }

    /// All names of `inode`, in the order of its references: INODE_REF by directory, then INODE_EXTREF by
    /// hash.
    public func names(of inode: ObjectID) throws(VolumeError) -> [InodeName] {
        var names: [InodeName] = []
        let cursor = tree.makeCursor()
        _ = try cursor.seek(Key(inode, .inodeRef, 0))
        while cursor.isValid, cursor.key.objectID == inode, cursor.key.type <= .inodeExtref {
            let key = cursor.key
            let item = cursor.data
            try parsing(key) { () throws(FormatError) in
                try InodeName.append(to: &names, from: item, at: key)
            }
            guard try cursor.next() else { break }
        }
        return names
    }

    /// Whether `inode` can get one more reference to `directory`.
    public func hasRoom(
        forReferenceFrom inode: ObjectID, to directory: ObjectID, name: RawSpan
    ) throws(VolumeError) -> Bool {
        let tree = tree
        guard let item = try tree.find(Key(inode, .inodeRef, directory.rawValue)) else { return true }
        if item.byteCount + InodeRefs.headerByteCount + name.byteCount <= maximumItemByteCount { return true }
        guard allowsExtendedReferences else { return false }
        guard let extended = try tree.find(Key(inode, .inodeExtref, NameHash.extref(parent: directory, name)))
        else { return true }
        return extended.byteCount + InodeExtrefs.headerByteCount + name.byteCount <= maximumItemByteCount
    }

    /// The name in the first reference of `inode`.
    public func firstName(of inode: ObjectID) throws(VolumeError) -> InodeName? {
        let cursor = tree.makeCursor()
        try cursor.seek(Key(inode, .inodeRef, 0))
        guard cursor.isValid, cursor.key.objectID == inode, cursor.key.type <= .inodeExtref else {
            return nil
        }
        let key = cursor.key
        let item = cursor.data
        return try parsing(key) { () throws(FormatError) in
            if key.type == .inodeRef {
                var references = InodeRefs(item)
                guard let reference = try references.next() else { return nil }
                return InodeName(
                    directory: ObjectID(key.offset), index: reference.index, name: reference.name.copied)
            }
            var references = InodeExtrefs(item)
            guard let reference = try references.next() else { return nil }
            return InodeName(
                directory: reference.parent, index: reference.index, name: reference.name.copied)
        }
    }

    /// The way to `inode` from the root of the subvolume: its first name, and the names of the directories
    /// above.
    ///
    /// - Returns: names joined by `/`, empty for the root; nil where a name is missing on the way, the directories form
    ///   a loop, or the path is longer than the 4096 bytes that Linux takes.
    /// - Complexity: one search for each directory on the way.
    public func path(of inode: ObjectID) throws(VolumeError) -> [UInt8]? {
        var names: [[UInt8]] = []
        var byteCount = 0
        var current = inode
        // The limit ends loops as well.
        while current != .firstFree {
            guard let name = try firstName(of: current) else { return nil }
            byteCount += name.name.count + 1
            guard byteCount <= Self.maximumPathByteCount else { return nil }
            names.append(name.name)
            current = name.directory
        }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    // MARK: Changes

    /// Adds a reference: to INODE_REF, or to INODE_EXTREF where INODE_REF is full and the volume has them.
    ///
    /// The corresponding kernel function is `btrfs_insert_inode_ref`.
    ///
    /// - Returns: `.added`, `.referenceExists` or `.referencesFull`.
    public func addReference(
        from inode: ObjectID, to directory: ObjectID, index: UInt64, name: RawSpan
    ) throws(VolumeError) -> LinkResult {
        let tree = tree
        let buffer = buffer
        let key = Key(inode, .inodeRef, directory.rawValue)
        buffer.removeAll()
        buffer.appendReference(index: index, name: name)
        if try tree.insertIfAbsent(key, buffer.bytes) { return .added }
        guard let item = try tree.find(key) else { throw missing(key) }
        let exists = try parsing(key) { () throws(FormatError) in try InodeRefs.find(name, in: item) != nil }
        if exists { return .referenceExists }
        guard item.byteCount + buffer.count <= maximumItemByteCount else {
            guard allowsExtendedReferences else { return .referencesFull }
            return try addExtendedReference(from: inode, to: directory, index: index, name: name)
        }
        buffer.removeAll()
        buffer.append(item)
        buffer.appendReference(index: index, name: name)
        try tree.put(key, buffer.bytes)
        return .added
    }

    /// Adds a reference to the INODE_EXTREF item of its hash.
    ///
    /// The corresponding kernel function is `btrfs_insert_inode_extref`.
    func addExtendedReference(
        from inode: ObjectID, to directory: ObjectID, index: UInt64, name: RawSpan
    ) throws(VolumeError) -> LinkResult {
        let tree = tree
        let buffer = buffer
        let key = Key(inode, .inodeExtref, NameHash.extref(parent: directory, name))
        buffer.removeAll()
        buffer.appendExtendedReference(parent: directory, index: index, name: name)
        if try tree.insertIfAbsent(key, buffer.bytes) { return .added }
        guard let item = try tree.find(key) else { throw missing(key) }
        let exists = try parsing(key) { () throws(FormatError) in
            try InodeExtrefs.find(name, parent: directory, in: item) != nil
        }
        if exists { return .referenceExists }
        guard item.byteCount + buffer.count <= maximumItemByteCount else { return .referencesFull }
        buffer.removeAll()
        buffer.append(item)
        buffer.appendExtendedReference(parent: directory, index: index, name: name)
        try tree.put(key, buffer.bytes)
        return .added
    }

    /// Removes a reference, from INODE_REF if it is there, else from INODE_EXTREF; the item goes with its
    /// last.
    ///
    /// The corresponding kernel function is `btrfs_del_inode_ref`.
    ///
    /// - Returns: the index of the name in the directory; nil where there is no such reference.
    public func removeReference(
        from inode: ObjectID, to directory: ObjectID, name: RawSpan
    ) throws(VolumeError) -> UInt64? {
        let tree = tree
        let key = Key(inode, .inodeRef, directory.rawValue)
        if let item = try tree.find(key) {
            let found = try parsing(key) { () throws(FormatError) in try InodeRefs.find(name, in: item) }
            if let found {
                try remove(found.range, of: item, at: key)
                return found.index
            }
        }
        let extendedKey = Key(inode, .inodeExtref, NameHash.extref(parent: directory, name))
        guard let item = try tree.find(extendedKey) else { return nil }
        let found = try parsing(extendedKey) { () throws(FormatError) in
            try InodeExtrefs.find(name, parent: directory, in: item)
        }
        guard let found else { return nil }
        try remove(found.range, of: item, at: extendedKey)
        return found.index
    }
}
