/// The rules of items that hold names: their entries fill the item exactly, and names have 1 to 255 bytes.
extension ItemChecker {
    /// The longest name in bytes.
    public static var maximumNameLength: Int { 255 }

    private func checkName(_ name: RawSpan) throws(FormatError) {
        guard (1...Self.maximumNameLength).contains(name.byteCount) else {
            throw .invalid("a name of \(name.byteCount) bytes, not 1 to \(Self.maximumNameLength)")
        }
    }

    private func requireEntry(_ data: RawSpan) throws(FormatError) {
        guard data.byteCount > 0 else { throw .invalid("the item has no entry") }
    }

    func checkInodeRefs(_ data: RawSpan) throws(FormatError) {
        try requireEntry(data)
        var entries = InodeRefs(data)
        while let entry = try entries.next() { try checkName(entry.name) }
    }

    func checkInodeExtrefs(_ data: RawSpan) throws(FormatError) {
        try requireEntry(data)
        var entries = InodeExtrefs(data)
        while let entry = try entries.next() { try checkName(entry.name) }
    }

    func checkDirEntries(_ key: Key, _ data: RawSpan) throws(FormatError) {
        try requireEntry(data)
        let isXattr = key.type == .xattrItem
        let capacity = LeafView.maximumItemByteCount(nodeSize: context.nodeSize)
        var entries = DirEntries(data)
        while let entry = try entries.next() {
            try checkLocation(entry.location, isXattr: isXattr)
            let type = entry.type.plain
            guard (1...DirEntryType.xattr.rawValue).contains(type.rawValue), (type == .xattr) == isXattr
            else {
                throw .invalid("an entry of type \(entry.type) in an item of type \(key.type)")
            }
            try checkName(entry.name)
            guard isXattr || entry.data.byteCount == 0 else {
                throw .invalid("a directory entry with a value of \(entry.data.byteCount) bytes")
            }
            let size = entry.name.byteCount + entry.data.byteCount
            guard size <= capacity else {
                throw .invalid("name and value have \(size) bytes, more than \(capacity)")
            }
            if key.type != .dirIndex {
                let hash = NameHash.name(entry.name)
                guard UInt64(hash) == key.offset else {
                    throw .invalid("the hash of a name is \(hash), the key says \(key.offset)")
                }
            }
        }
    }

    private func checkLocation(_ location: Key, isXattr: Bool) throws(FormatError) {
        if location == Key.minimum {
            guard isXattr else { throw .invalid("a directory entry that leads nowhere") }
            return
        }
        switch location.type {
        case .inodeItem: try checkInodeKey(location, "an entry that leads to inode")
        case .rootItem:
            guard location.objectID.isSubvolume else {
                throw .invalid("an entry that leads to tree \(location.objectID), which is no subvolume")
            }
        default:
            throw .invalid("an entry that leads to \(location), neither an INODE_ITEM nor a ROOT_ITEM")
        }
    }

    func checkRootRef(_ data: RawSpan) throws(FormatError) {
        let length = Int(try RootRef.Fields.nameLength.read(data))
        try requireSize(data, RootRef.byteCount + length, "a root reference with a name of \(length) bytes")
        try checkName(data.slice(at: RootRef.byteCount, count: length))
    }
}
