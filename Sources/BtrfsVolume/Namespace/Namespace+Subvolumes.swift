public import BtrfsFormat

// Names that enter other subvolumes. They have no back reference from an inode, but a pair of items in the tree of
// trees: see `Transaction.addRootReference`.

extension Namespace {
    /// Adds a name that enters the subvolume whose root item is at `location`: DIR_ITEM, DIR_INDEX and the size of the
    /// directory.
    ///
    /// - Returns: `.added`, or why not; then nothing changed.
    /// - Throws: `VolumeError.noSuchKey` when the directory has no inode item.
    public func addSubvolumeEntry(
        _ name: RawSpan, at index: UInt64, to location: Key, in directory: ObjectID
    ) throws(VolumeError) -> LinkResult {
        let result = try insertEntry(name, at: index, to: location, type: .directory, in: directory)
        if result == .added { try changeSize(of: directory, by: 2 * Int64(name.byteCount)) }
        return result
    }

    /// Takes a name away that enters a subvolume. The references in the tree of trees are the caller's.
    ///
    /// - Parameter index: where the name stands, as the reference in the tree of trees says; nil to look for it.
    /// - Throws: `VolumeError.noSuchKey` when the directory has no such name.
    public func removeSubvolumeEntry(
        _ name: RawSpan, at index: UInt64?, in directory: ObjectID
    ) throws(VolumeError) {
        guard try removeDirectoryItem(name, in: directory) != nil else {
            throw missing(Key(directory, .dirItem, UInt64(NameHash.name(name))))
        }
        if let index {
            _ = try tree.remove(Key(directory, .dirIndex, index))
        } else {
            var entries = entries(of: directory)
            let copied = name.copied
            while let entry = try entries.next() {
                guard entry.name == copied else { continue }
                _ = try tree.remove(Key(directory, .dirIndex, entry.index))
                break
            }
        }
        try changeSize(of: directory, by: -2 * Int64(name.byteCount))
    }
}
