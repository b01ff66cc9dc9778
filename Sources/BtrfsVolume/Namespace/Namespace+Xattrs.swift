public import BtrfsFormat

/// An extended attribute.
public struct Xattr: Equatable, Sendable {
    /// The name with its prefix, such as `user.`.
    public var name: [UInt8]
    /// The bytes of the value.
    public var value: [UInt8]

    /// An extended attribute.
    public init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

extension Namespace {
    /// The value of the extended attribute `name` of `inode`; nil where there is none.
    public func xattr(named name: RawSpan, of inode: ObjectID) throws(VolumeError) -> [UInt8]? {
        let tree = tree
        let key = Key(inode, .xattrItem, UInt64(NameHash.name(name)))
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in
            try DirEntries.find(name, in: item)?.value(in: item)
        }
    }

    /// All extended attributes of `inode`, in the order of their hashes.
    public func xattrs(of inode: ObjectID) throws(VolumeError) -> [Xattr] {
        var xattrs: [Xattr] = []
        let cursor = tree.makeCursor()
        _ = try cursor.seek(Key(inode, .xattrItem, 0))
        while cursor.isValid, cursor.key.objectID == inode, cursor.key.type == .xattrItem {
            let item = cursor.data
            try parsing(cursor.key) { () throws(FormatError) in
                var entries = DirEntries(item)
                while let entry = try entries.next() {
                    xattrs.append(Xattr(name: entry.name.copied, value: entry.data.copied))
                }
            }
            guard try cursor.next() else { break }
        }
        return xattrs
    }

    // MARK: Changes

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
        buffer.appendEntry(
            name, location: Key(ObjectID(0), KeyType(0), 0), transid: writer.generation, type: .xattr, value: value)
        try tree.put(key, buffer.bytes)
    }

    /// Removes the extended attribute `name` of `inode`, and its item where no other name has the same hash.
    ///
    /// - Returns: false where there was none.
    @discardableResult
    public func removeXattr(named name: RawSpan, of inode: ObjectID) throws(VolumeError) -> Bool {
        try removeEntry(name, from: Key(inode, .xattrItem, UInt64(NameHash.name(name)))) != nil
    }
}
