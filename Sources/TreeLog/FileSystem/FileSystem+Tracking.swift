internal import BtrfsFormat
internal import BtrfsVolume

// What is remembered of inodes between operations, and the deletion of those that nobody needs any more.

extension FileSystem {
    /// What is remembered of an inode.
    func inodeState(_ location: FileLocation) throws -> InodeState {
        if let state = inodes[location] { return state }
        let state = InodeState(location, generation: try item(location).generation)
        inodes[location] = state
        return state
    }

    /// Changes the inode item, and notes that the inode has changed in this transaction.
    func update(_ location: FileLocation, _ change: (inout InodeItem) -> Void) throws {
        guard try namespace(of: location.subvolume).updateInode(location.inode, change) else {
            throw VolumeError.noSuchKey(tree: location.subvolume, Key(location.inode, .inodeItem, 0))
        }
        changedSubvolumes.insert(location.subvolume)
        try inodeState(location).noteChange(in: transaction.generation)
    }

    /// Notes in the inode item of a file that what it holds has changed.
    ///
    /// - Parameters:
    ///   - addedBytes: by how much the space that its extents take has grown.
    ///   - hasPreallocated: whether there are extents now that have space and read as zeros.
    func updateContent(
        of location: FileLocation, size: UInt64, addedBytes: Int64, hasPreallocated: Bool = false, _ now: Timestamp
    ) throws {
        try update(location) { item in
            item.size = size
            item.nbytes = item.nbytes &+ UInt64(bitPattern: addedBytes)
            if hasPreallocated { item.flags.insert(.preallocated) }
            item.sequence &+= 1
            item.mtime = now
            item.ctime = now
        }
    }

    /// The index for the next name in a directory. Indexes of names that went are not used again in this transaction.
    func takeDirectoryIndex(_ directory: FileLocation) throws -> UInt64 {
        let state = try inodeState(directory)
        let index =
            try state.nextDirectoryIndex
            ?? namespace(of: directory.subvolume).nextDirectoryIndex(of: directory.inode)
        state.nextDirectoryIndex = index + 1
        return index
    }

    /// The number for a new inode. Numbers of inodes that went are not used again: the log would tell of another inode
    /// than the one that was committed.
    func takeInodeNumber(in subvolume: ObjectID) throws -> ObjectID {
        let number = try nextInodeNumber(in: subvolume)
        guard number < .lastFree else { throw Errno.noSpace }
        nextInodeNumbers[subvolume] = ObjectID(number.rawValue + 1)
        return number
    }

    /// The number that the next new inode gets. It has to be known before an inode goes.
    @discardableResult
    private func nextInodeNumber(in subvolume: ObjectID) throws -> ObjectID {
        if let number = nextInodeNumbers[subvolume] { return number }
        let number = try namespace(of: subvolume).nextInodeNumber()
        nextInodeNumbers[subvolume] = number
        return number
    }

    /// Deletes an inode that has lost its last name, unless it is open: then it is marked as one without a name.
    func deleteIfUnused(_ location: FileLocation) throws {
        let namespace = try self.namespace(of: location.subvolume)
        if let state = inodes[location], state.openCount > 0 {
            try namespace.addOrphan(location.inode)
            return
        }
        try nextInodeNumber(in: location.subvolume)
        try namespace.deleteInode(location.inode)
        try namespace.removeOrphan(location.inode)
        inodes[location] = nil
    }

    /// Deletes all inodes without names, in all subvolumes.
    func deleteOrphans() throws(FileSystemError) {
        try changing("mount", "") { _ in
            for subvolume in try volume.subvolumes() {
                guard let tree = try transaction.tree(subvolume) else { continue }
                let cursor = tree.makeCursor()
                try cursor.seek(Key(.orphan, .orphanItem, 0))
                guard cursor.isValid, cursor.key.objectID == .orphan else { continue }
                try nextInodeNumber(in: subvolume)
                try change(blocks: 64) { try Orphans.delete(in: tree, transaction) }
            }
        }
    }
}
