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

    /// Notes in the inode item of a directory that a name came or went.
    func noteNames(of directory: FileLocation, _ now: Timestamp) throws {
        try update(directory) { item in
            item.mtime = now
            item.ctime = now
        }
    }

    /// Notes in the inode item of a file that what it holds has changed.
    ///
    /// - Parameters:
    ///   - addedBytes: by how much the space that its extents take has grown.
    ///   - hasPreallocated: whether there are extents now that have space and read as zeros.
    func updateContent(
        of location: FileLocation, size: UInt64, addedBytes: Int64, hasPreallocated: Bool = false, _ now: Timestamp
    ) throws {
        var before: UInt64 = 0
        try update(location) { item in
            before = item.size
            item.size = size
            item.nbytes = item.nbytes &+ UInt64(bitPattern: addedBytes)
            if hasPreallocated { item.flags.insert(.preallocated) }
            item.sequence &+= 1
            item.mtime = now
            item.ctime = now
        }
        // A hole behind the old end has no item, but an fsync has to log it: the committed file may have content there.
        let (start, end) = (sectorEnd(before), sectorEnd(size))
        if start < end { try inodeState(location).modifiedExtents.insert(start..<end) }
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

    // MARK: Deletion

    /// How many extents are given up in one change.
    static let extentsInOneChange = 64
    /// How many items of other kinds are put or removed in one change; each may be as large as a block.
    static let itemsInOneChange = 16

    /// Deletes an inode that has lost its last name. One that is open is marked as one without a name, and so is one
    /// with many extents or other items, whose deletion takes changes of its own: see `finishDeletions`.
    func deleteIfUnused(_ location: FileLocation) throws {
        let namespace = try self.namespace(of: location.subvolume)
        if let state = inodes[location], state.openCount > 0 {
            try namespace.addOrphan(location.inode)
        } else if try !bounds(of: location, behind: 0).isEmpty
            || namespace.hasItems(location.inode, moreThan: Self.itemsInOneChange)
        {
            try namespace.addOrphan(location.inode)
            deletions.append(location)
        } else {
            try delete(location)
        }
    }

    private func delete(_ location: FileLocation) throws {
        let namespace = try self.namespace(of: location.subvolume)
        try nextInodeNumber(in: location.subvolume)
        try namespace.deleteInode(location.inode)
        try namespace.removeOrphan(location.inode)
        inodes[location] = nil
    }

    /// Does the deletions that are still to be done. Where there is no room even for that, the file stays one without a
    /// name, which the next mount deletes.
    ///
    /// The corresponding kernel function is `btrfs_evict_inode`.
    func finishDeletions() throws {
        while let location = deletions.popLast() {
            do {
                // One with names got a hash tree when the power went. Kernels before 4.17 also noted inodes here that
                // were to be cut; those keep what they have.
                let isUnused = try namespace(of: location.subvolume).inode(location.inode)?.nlink == 0
                if isUnused {
                    try dropTail(of: location, behind: 0)
                    try dropItems(of: location)
                } else {
                    try dropVerityItems(of: location)
                }
                try withRoom {
                    try change(blocks: Self.namesReserve, makesRoom: true) {
                        if isUnused { return try delete(location) }
                        try namespace(of: location.subvolume).removeOrphan(location.inode)
                    }
                }
            } catch VolumeError.noSpace where !isAborted {}
        }
    }

    /// Removes attributes and items of plugins, but for the last few.
    private func dropItems(of location: FileLocation) throws {
        while try namespace(of: location.subvolume).hasItems(location.inode, moreThan: Self.itemsInOneChange) {
            try withRoom {
                try change(blocks: Self.namesReserve, makesRoom: true) {
                    try namespace(of: location.subvolume).dropItems(of: location.inode, upTo: Self.itemsInOneChange)
                }
            }
        }
    }

    /// Gives up the extents behind `offset` but for the last few, as many in one change as the room that is kept for it
    /// allows. The file gets shorter with each of them.
    func dropTail(of location: FileLocation, behind offset: UInt64) throws {
        for bound in try bounds(of: location, behind: offset).reversed() {
            try withRoom {
                try change(blocks: Self.namesReserve, makesRoom: true) {
                    let dropped = try namespace(of: location.subvolume).dropExtents(
                        of: location.inode, from: bound, to: .max)
                    try update(location) { item in
                        item.nbytes = item.nbytes &- dropped
                        item.size = min(item.size, bound)
                    }
                }
            }
        }
    }

    /// Where to cut a file so that few extents go at a time.
    private func bounds(of location: FileLocation, behind offset: UInt64) throws -> [UInt64] {
        var bounds: [UInt64] = []
        var extents = try namespace(of: location.subvolume).extents(of: location.inode)
        try extents.skip(to: offset)
        var count = 0
        while let element = try extents.next() {
            if count > 0, count % Self.extentsInOneChange == 0 { bounds.append(element.start) }
            count += 1
        }
        return bounds
    }

    /// Deletes all inodes without names, in all subvolumes.
    func deleteOrphans() throws(FileSystemError) {
        try changing("mount", "") { _ in
            for subvolume in try volume.subvolumes() {
                guard let tree = try transaction.tree(subvolume) else { continue }
                let cursor = tree.makeCursor()
                try cursor.seek(Key(.orphan, .orphanItem, 0))
                while cursor.isValid, cursor.key.objectID == .orphan {
                    deletions.append(FileLocation(subvolume: subvolume, inode: ObjectID(cursor.key.offset)))
                    if try !cursor.next() { break }
                }
            }
        }
    }
}
