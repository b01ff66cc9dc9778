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

    /// Removes the extended attribute `name` of `inode`, and its item where no other name has the same hash.
    ///
    /// - Returns: false where there was none.
    @discardableResult
    public func removeXattr(named name: RawSpan, of inode: ObjectID) throws(VolumeError) -> Bool {
        try removeEntry(name, from: Key(inode, .xattrItem, UInt64(NameHash.name(name)))) != nil
    }
}
