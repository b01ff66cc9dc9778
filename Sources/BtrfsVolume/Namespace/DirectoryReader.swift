public import BtrfsFormat

/// The names of a directory in the order of their indexes, which is the order in which `readdir` gives them.
public struct DirectoryReader {
    private let cursor: TreeCursor
    private let directory: ObjectID
    private var isStarted = false

    init(_ tree: Tree, of directory: ObjectID) {
        cursor = tree.makeCursor()
        self.directory = directory
    }

    /// The next name; nil behind the last.
    public mutating func next() throws(VolumeError) -> DirectoryEntry? {
        while true {
            if isStarted {
                guard try cursor.next() else { return nil }
            } else {
                isStarted = true
                try cursor.seek(Key(directory, .dirIndex, 0))
            }
            guard cursor.isValid, cursor.key.objectID == directory, cursor.key.type == .dirIndex else {
                return nil
            }
            let key = cursor.key
            let item = cursor.data
            let entry = try parsing(key) { () throws(FormatError) in
                try DirectoryEntry(index: key.offset, item)
            }
            if let entry { return entry }
        }
    }
}

extension Namespace {
    /// The names of `directory`, to be read one after the other.
    public func entries(of directory: ObjectID) -> DirectoryReader { DirectoryReader(tree, of: directory) }

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
}
