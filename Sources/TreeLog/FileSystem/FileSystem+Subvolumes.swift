internal import BtrfsFormat
internal import BtrfsVolume

extension FileSystem {
    /// Removes a subvolume or snapshot with all that is in it.
    ///
    /// - Throws: ENOTDIR when the path does not lead to the root of a subvolume, ENOTEMPTY when it holds other
    ///   subvolumes, EBUSY when a file in it is open.
    public func deleteSubvolume(_ path: some FilePath) throws(FileSystemError) {
        try changing("subvolume delete", path) { path in
            let end = try parent(of: path, atRoot: .busy)
            guard let found = try lookup(end.name, in: end.directory) else { throw Errno.noEntry }
            guard found.entry.isSubvolume else { throw Errno.notDirectory }
            try checkRemoval(of: item(found.location), from: end.directory)
            try deleteSubvolume(found.location.subvolume, end)
        }
    }

    /// The corresponding kernel function is `btrfs_delete_subvolume`, with the work of the cleaner at once.
    func deleteSubvolume(_ id: ObjectID, _ end: PathEnd) throws {
        guard try !transaction.hasRootReferences(in: id) else { throw Errno.notEmpty }
        guard !inodes.values.contains(where: { $0.location.subvolume == id && $0.openCount > 0 }) else {
            throw Errno.busy
        }
        guard let root = try transaction.rootItem(of: id),
            let reference = try transaction.rootReference(of: id, in: end.directory.subvolume)
        else { throw Errno.noEntry }
        try change(blocks: Self.namesReserve) {
            let now = self.now()
            try removeSubvolumeName(end, index: reference.sequence, now: now)
            try transaction.removeRootReference(of: id, in: end.directory.subvolume)
            try transaction.removeUUID(root.uuid, of: id)
            _ = try transaction.dropTree(id)
            forgetSubvolume(id)
        }
    }

    func removeSubvolumeName(_ end: PathEnd, index: UInt64?, now: Timestamp) throws {
        try namespace(of: end.directory.subvolume).removeSubvolumeEntry(
            end.name.rawSpan, at: index, in: end.directory.inode)
        try update(end.directory) {
            $0.mtime = now
            $0.ctime = now
        }
    }

    private func forgetSubvolume(_ id: ObjectID) {
        namespaces[id] = nil
        inodes = inodes.filter { $0.key.subvolume != id }
        nextInodeNumbers[id] = nil
        changedSubvolumes.remove(id)
        forgetReaders()
    }
}
