public import BtrfsFormat

/// What a name in a directory stands for.
public struct EntryTarget: Equatable, Sendable {
    /// The key of the inode item, or of the root item where a subvolume is entered.
    public var location: Key
    /// The type that the entry says the target has.
    public var type: DirEntryType
    /// The transaction in which the name was added.
    public var transid: Generation

    /// What an entry says, put together.
    public init(location: Key, type: DirEntryType, transid: Generation) {
        self.location = location
        self.type = type
        self.transid = transid
    }

    /// Whether the name enters another subvolume.
    public var isSubvolume: Bool { location.type == .rootItem }
}

/// A name in a directory.
public struct DirectoryEntry: Equatable, Sendable {
    /// The offset of the DIR_INDEX item, which orders the names of a directory.
    public var index: UInt64
    /// What the name stands for.
    public var target: EntryTarget
    /// The bytes of the name.
    public var name: [UInt8]

    /// An entry of a directory.
    public init(index: UInt64, target: EntryTarget, name: [UInt8]) {
        self.index = index
        self.target = target
        self.name = name
    }
}

/// What became of a name that was to be added. Where it was not added nothing changed.
public enum LinkResult: Equatable, Sendable {
    /// The name is there now, in all its forms.
    case added
    /// The directory has the name (EEXIST).
    case nameExists
    /// The directory has another name at the index (EEXIST).
    case indexTaken
    /// The inode has a reference with the name to the directory (EEXIST).
    case referenceExists
    /// The names with this hash fill an item (EOVERFLOW).
    case collisionsFull
    /// The references to the directory fill an item, and there are no extended ones (EMLINK).
    case referencesFull
}

/// Whether a new name comes with a reference from the inode back to the directory.
public enum BackReferencePolicy: Sendable { case add, leave }

extension Namespace {
    // MARK: Lookup

    /// What `name` in `directory` stands for by its DIR_ITEM; nil where the directory has no such name.
    ///
    /// The corresponding kernel function is `btrfs_lookup_dir_item`.
    public func entry(named name: RawSpan, in directory: ObjectID) throws(VolumeError) -> EntryTarget? {
        let tree = tree
        let key = Key(directory, .dirItem, UInt64(NameHash.name(name)))
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try DirEntries.find(name, in: item)?.target }
    }

    /// What the DIR_INDEX item at `index` of `directory` stands for if its name is `name`.
    ///
    /// The corresponding kernel function is `btrfs_lookup_dir_index_item`.
    public func entry(
        at index: UInt64, named name: RawSpan, in directory: ObjectID
    ) throws(VolumeError) -> EntryTarget? {
        let tree = tree
        let key = Key(directory, .dirIndex, index)
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try DirEntries.find(name, in: item)?.target }
    }

    /// The name at `index` of `directory`; nil where there is none.
    public func entry(at index: UInt64, in directory: ObjectID) throws(VolumeError) -> DirectoryEntry? {
        let tree = tree
        let key = Key(directory, .dirIndex, index)
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try DirectoryEntry(index: index, item) }
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

    // MARK: Indexes

    /// The first index that a directory gives to a name: 0 and 1 are those of `.` and `..`.
    ///
    /// The corresponding kernel constant is `BTRFS_DIR_START_INDEX`.
    public static let firstDirectoryIndex: UInt64 = 2

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

    // MARK: Changes

    /// Adds a name: DIR_ITEM, DIR_INDEX, the size of the directory and, where asked, the back reference.
    ///
    /// No time changes, and neither does the link count of the inode.
    /// The corresponding kernel function is `btrfs_add_link`.
    ///
    /// - Returns: `.added`, or why not; then nothing changed.
    /// - Throws: `VolumeError.noSuchKey` when the directory has no inode item, `.refused` for a name that is
    ///   empty or longer than 255 bytes.
    /// - Complexity: three searches of the tree, four with the back reference.
    public func addLink(
        _ name: RawSpan, at index: UInt64, to inode: ObjectID, type: DirEntryType, in directory: ObjectID,
        backReference: BackReferencePolicy
    ) throws(VolumeError) -> LinkResult {
        let result = try addUncountedLink(
            name, at: index, to: inode, type: type, in: directory, backReference: backReference)
        if result == .added { try changeSize(of: directory, by: 2 * Int64(name.byteCount)) }
        return result
    }

    /// The same, but for the size of the directory: that is for the caller to change.
    package func addUncountedLink(
        _ name: RawSpan, at index: UInt64, to inode: ObjectID, type: DirEntryType, in directory: ObjectID,
        backReference: BackReferencePolicy
    ) throws(VolumeError) -> LinkResult {
        guard (1...Self.maximumNameByteCount).contains(name.byteCount) else {
            throw .refused("a name of \(name.byteCount) bytes")
        }
        if backReference == .add {
            let result = try addReference(from: inode, to: directory, index: index, name: name)
            guard result == .added else { return result }
        }
        let result = try insertEntry(name, at: index, to: Key(inode, .inodeItem, 0), type: type, in: directory)
        if result != .added, backReference == .add {
            _ = try removeReference(from: inode, to: directory, name: name)
        }
        return result
    }

    /// Takes a name away: DIR_ITEM, the back reference, the DIR_INDEX item that the reference tells, the size
    /// of the directory, one link of the inode, whose change time becomes `now`. The times of the directory
    /// stay.
    ///
    /// The corresponding kernel function is `btrfs_unlink_inode`, as it works during log replay.
    ///
    /// - Throws: `VolumeError.noSuchKey` when the directory has no such name, the inode has no such reference
    ///   or one of the two has no inode item.
    /// - Complexity: about eight searches of the tree.
    public func unlink(
        _ name: RawSpan, of inode: ObjectID, in directory: ObjectID, now: Timestamp
    ) throws(VolumeError) {
        guard try removeDirectoryItem(name, in: directory) != nil else {
            throw missing(Key(directory, .dirItem, UInt64(NameHash.name(name))))
        }
        guard let index = try removeReference(from: inode, to: directory, name: name) else {
            throw missing(Key(inode, .inodeRef, directory.rawValue))
        }
        _ = try tree.remove(Key(directory, .dirIndex, index))
        try changeSize(of: directory, by: -2 * Int64(name.byteCount))
        let hasInode = try updateInode(inode) { inode in
            inode.nlink = max(inode.nlink, 1) - 1
            inode.ctime = now
            inode.sequence &+= 1
        }
        guard hasInode else { throw missing(Key(inode, .inodeItem, 0)) }
    }

    // MARK: The two kinds of directory items

    /// Adds both directory items of a name.
    ///
    /// - Returns: `.added`, or why not; then nothing changed.
    func insertEntry(
        _ name: RawSpan, at index: UInt64, to location: Key, type: DirEntryType, in directory: ObjectID
    ) throws(VolumeError) -> LinkResult {
        var result = try insertDirectoryItem(name, of: location, type: type, in: directory)
        guard result == .added else { return result }
        result = try insertDirectoryIndex(name, at: index, of: location, type: type, in: directory)
        guard result == .added else {
            _ = try removeDirectoryItem(name, in: directory)
            return result
        }
        return .added
    }

    /// Counts the two items of a name, or of several names, in the size of a directory.
    package func changeSize(of directory: ObjectID, by delta: Int64, nameCount: UInt64 = 1) throws(VolumeError) {
        guard try addToInode(directory, size: UInt64(bitPattern: delta), sequence: nameCount) else {
            throw missing(Key(directory, .inodeItem, 0))
        }
    }

    /// Adds `name` to the DIR_ITEM of its hash; `.nameExists` or `.collisionsFull` where that is not
    /// possible.
    func insertDirectoryItem(
        _ name: RawSpan, of location: Key, type: DirEntryType, in directory: ObjectID
    ) throws(VolumeError) -> LinkResult {
        let tree = tree
        let buffer = buffer
        let key = Key(directory, .dirItem, UInt64(NameHash.name(name)))
        buffer.removeAll()
        buffer.appendEntry(name, location: location, transid: writer.generation, type: type)
        if try tree.insertIfAbsent(key, buffer.bytes) { return .added }
        guard let item = try tree.find(key) else { throw missing(key) }
        let exists = try parsing(key) { () throws(FormatError) in try DirEntries.find(name, in: item) != nil }
        if exists { return .nameExists }
        guard item.byteCount + buffer.count <= maximumItemByteCount else { return .collisionsFull }
        buffer.removeAll()
        buffer.append(item)
        buffer.appendEntry(name, location: location, transid: writer.generation, type: type)
        try tree.put(key, buffer.bytes)
        return .added
    }

    /// Adds the DIR_INDEX item of a name; `.indexTaken` where the directory has a name at the index.
    public func insertDirectoryIndex(
        _ name: RawSpan, at index: UInt64, of location: Key, type: DirEntryType, in directory: ObjectID
    ) throws(VolumeError) -> LinkResult {
        let buffer = buffer
        buffer.removeAll()
        buffer.appendEntry(name, location: location, transid: writer.generation, type: type)
        return try tree.insertIfAbsent(Key(directory, .dirIndex, index), buffer.bytes) ? .added : .indexTaken
    }

    /// Removes `name` from the DIR_ITEM of its hash, and the item with its last name. The DIR_INDEX item, the
    /// reference and the inodes stay.
    ///
    /// - Returns: what the name stood for; nil where the directory has no such name.
    func removeDirectoryItem(_ name: RawSpan, in directory: ObjectID) throws(VolumeError) -> EntryTarget? {
        try removeEntry(name, from: Key(directory, .dirItem, UInt64(NameHash.name(name))))
    }

    /// Removes the entry with `name` from an item of directory entries.
    func removeEntry(_ name: RawSpan, from key: Key) throws(VolumeError) -> EntryTarget? {
        let tree = tree
        guard let item = try tree.find(key) else { return nil }
        let found = try parsing(key) { () throws(FormatError) in try DirEntries.find(name, in: item) }
        guard let found else { return nil }
        try remove(found.range, of: item, at: key)
        return found.target
    }

    /// Removes `range` from the item at `key`, and the item with its last byte.
    func remove(_ range: Range<Int>, of item: RawSpan, at key: Key) throws(VolumeError) {
        let buffer = buffer
        if range.count == item.byteCount {
            _ = try tree.remove(key)
            return
        }
        buffer.removeAll()
        buffer.append(item.extracting(0..<range.lowerBound))
        buffer.append(item.extracting(range.upperBound..<item.byteCount))
        try tree.put(key, buffer.bytes)
    }
}
