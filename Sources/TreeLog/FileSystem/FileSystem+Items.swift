public import BtrfsFormat
internal import BtrfsVolume

/// An item of a type of one's own under a file.
public struct CustomItem: Equatable, Sendable {
    /// The key; its object is the inode.
    public var key: Key
    /// The bytes of the item.
    public var data: [UInt8]
}

extension FileSystem {
    /// Stores an item under a file, new or in place of the one with the same type and offset.
    ///
    /// Linux carries such items along, but its replay passes over those in a log.
    ///
    /// - Parameter type: a key type that plugins may define; see `ItemType.isCustom`.
    /// - Throws: EINVAL for another type and for what the validator of the type refuses, E2BIG for what does not fit a
    ///   leaf.
    public func putItem(
        _ path: some FilePath, _ type: KeyType, at offset: UInt64, _ data: [UInt8]
    ) throws(FileSystemError) {
        try changing("put item", path) { path in
            let location = try customItemOwner(path, type)
            guard data.count <= LeafView.maximumItemByteCount(nodeSize: volume.nodeSize) else { throw Errno.tooBig }
            try checkWritable(location.subvolume)
            let key = Key(location.inode, type, offset)
            // A log with an item that is refused could not be replayed.
            do throws(FormatError) {
                try options.registry.itemTypes[type]?.validator?.validate(key: key, data: data.rawSpan)
            } catch { throw FileSystemError(.invalid, "put item", path: path, cause: error) }
            try change(blocks: Self.inodeReserve) {
                let now = self.now()
                try namespace(of: location.subvolume).tree.put(key, data.rawSpan)
                try noteChange(of: key, location, now: now)
            }
        }
    }

    /// The data of an item under a file.
    ///
    /// - Throws: ENODATA when there is none.
    public func getItem(
        _ path: some FilePath, _ type: KeyType, at offset: UInt64
    ) throws(FileSystemError) -> [UInt8] {
        try reading("get item", path) { path in
            let location = try customItemOwner(path, type)
            let tree = try namespace(of: location.subvolume).tree
            guard let item = try tree.find(Key(location.inode, type, offset)) else { throw Errno.noData }
            return item.copied
        }
    }

    /// Deletes an item under a file.
    ///
    /// - Throws: ENODATA when there is none.
    public func deleteItem(_ path: some FilePath, _ type: KeyType, at offset: UInt64) throws(FileSystemError) {
        try changing("delete item", path) { path in
            let location = try customItemOwner(path, type)
            try checkWritable(location.subvolume)
            let tree = try namespace(of: location.subvolume).tree
            let key = Key(location.inode, type, offset)
            guard try tree.contains(key) else { throw Errno.noData }
            try change(blocks: Self.inodeReserve, makesRoom: true) {
                let now = self.now()
                try tree.remove(key)
                try noteChange(of: key, location, now: now)
            }
        }
    }

    /// The items of one type under a file whose offsets lie in `range`, in their order.
    public func items(
        _ path: some FilePath, of type: KeyType, in range: ClosedRange<UInt64> = 0...(.max)
    ) throws(FileSystemError) -> [CustomItem] {
        try reading("items", path) { path in
            let location = try customItemOwner(path, type)
            let cursor = try namespace(of: location.subvolume).tree.makeCursor()
            let last = Key(location.inode, type, range.upperBound)
            try cursor.seek(Key(location.inode, type, range.lowerBound))
            var result: [CustomItem] = []
            while cursor.isValid, cursor.key <= last {
                result.append(CustomItem(key: cursor.key, data: cursor.data.copied))
                guard try cursor.next() else { break }
            }
            return result
        }
    }

    private func customItemOwner(_ path: [UInt8], _ type: KeyType) throws -> FileLocation {
        guard ItemType.isCustom(type) else { throw Errno.invalid }
        return try find(path)
    }

    private func noteChange(of key: Key, _ location: FileLocation, now: Timestamp) throws {
        try update(location) { item in
            item.sequence &+= 1
            item.ctime = now
        }
        let state = try inodeState(location)
        state.copyEverything = true
        state.changedItems.insert(key)
    }
}
