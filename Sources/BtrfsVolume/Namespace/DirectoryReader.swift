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
}
