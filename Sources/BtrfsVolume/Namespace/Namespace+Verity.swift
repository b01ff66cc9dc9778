public import BtrfsFormat

// What fs-verity keeps of files.

extension Namespace {
    /// How large an item is at most, in bytes.
    private static var verityItemByteCount: Int { 2048 }

    /// Puts a piece of the hash tree of `inode`, which is `offset` bytes behind the start of the tree.
    ///
    /// The corresponding kernel function is `btrfs_write_merkle_tree_block`.
    public func putHashTree(_ bytes: [UInt8], at offset: UInt64, of inode: ObjectID) throws(VolumeError) {
        for start in stride(from: 0, to: bytes.count, by: Self.verityItemByteCount) {
            let piece = Array(bytes[start..<min(start + Self.verityItemByteCount, bytes.count)])
            try tree.put(Key(inode, .verityMerkle, offset + UInt64(start)), piece.rawSpan)
        }
    }

    /// Puts the descriptor of `inode`.
    public func putVerityDescriptor(_ descriptor: VerityDescriptor, of inode: ObjectID) throws(VolumeError) {
        let (header, bytes) = (VerityHeader(size: UInt64(VerityDescriptor.byteCount)).encoded, descriptor.encoded)
        try tree.put(Key(inode, .verityDescriptor, 0), header.rawSpan)
        try tree.put(Key(inode, .verityDescriptor, 1), bytes.rawSpan)
    }

    /// The descriptor of `inode`; nil where there is none.
    public func verityDescriptor(of inode: ObjectID) throws(VolumeError) -> VerityDescriptor? {
        let tree = tree
        let key = Key(inode, .verityDescriptor, 1)
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try VerityDescriptor(item) }
    }

    /// Whether `inode` has a hash tree, a descriptor, or parts of them.
    public func hasVerityItems(_ inode: ObjectID) throws(VolumeError) -> Bool {
        try firstVerityKey(of: inode) != nil
    }

    /// Removes hash tree and descriptor of `inode`, or as much of them as `count` items.
    ///
    /// The corresponding kernel function is `btrfs_drop_verity_items`.
    public func dropVerityItems(of inode: ObjectID, upTo count: Int = .max) throws(VolumeError) {
        var left = count
        while left > 0, let key = try firstVerityKey(of: inode) {
            try tree.remove(key)
            left -= 1
        }
    }

    private func firstVerityKey(of inode: ObjectID) throws(VolumeError) -> Key? {
        let cursor = tree.makeCursor()
        try cursor.seek(Key(inode, .verityDescriptor, 0))
        guard cursor.isValid, cursor.key.objectID == inode, cursor.key.type <= .verityMerkle else { return nil }
        return cursor.key
    }
}
