public import BtrfsFormat
internal import BtrfsVolume

extension FileSystem {
    // MARK: Making

    /// Creates an empty subvolume.
    ///
    /// - Returns: its number.
    @discardableResult
    public func createSubvolume(_ path: some FilePath) throws(FileSystemError) -> ObjectID {
        try changing("subvolume create", path) { path in
            let end = try newSubvolumeName(path)
            return try change(blocks: blocks(forSubvolumeAt: end)) {
                let now = self.now()
                let id = try transaction.nextTreeNumber()
                var root = RootItem(address: LogicalAddress(0), level: 0, generation: transaction.generation)
                root.inode = RootItem.inode(nodeSize: volume.nodeSize)
                root.inode.flags = .rootItemInitialized
                root.rootDirID = .firstFree
                describe(&root, id: id, now: now)
                let tree = try transaction.createTree(id, root)
                let namespace = Namespace(tree, in: transaction)
                var inode = InodeItem(generation: transaction.generation, mode: 0o040755, time: now)
                inode.uid = options.uid
                inode.gid = options.gid
                try namespace.putInode(.firstFree, inode)
                let dots = Array("..".utf8)
                _ = try namespace.addReference(from: .firstFree, to: .firstFree, index: 0, name: dots.rawSpan)
                try transaction.addUUID(root.uuid, of: id)
                try transaction.addQuotaGroup(of: id, in: end.directory.subvolume)
                let index = try takeDirectoryIndex(end.directory)
                try addSubvolumeName(end, at: index, location: Key(id, .rootItem, 0), now: now)
                log.recordNewSubvolume()
                forgetReaders()
                // An fsync of its root directory makes the subvolume durable.
                try inodeState(FileLocation(subvolume: id, inode: .firstFree)).noteChange(in: transaction.generation)
                return id
            }
        }
    }

    /// Makes a snapshot of a subvolume: everything that is in it now, under a new name. All changes before are
    /// committed, and so is the snapshot.
    ///
    /// - Parameter source: the root of a subvolume.
    /// - Returns: the number of the snapshot.
    /// - Throws: EINVAL when the source is no root of a subvolume.
    @discardableResult
    public func snapshot(
        _ source: some FilePath, at path: some FilePath, isReadOnly: Bool = false
    ) throws(FileSystemError) -> ObjectID {
        try changing("snapshot", path) { path in
            let location = try find(source.pathBytes)
            guard location.inode == .firstFree else { throw Errno.invalid }
            let end = try newSubvolumeName(path)
            // The references of blocks that are new in a transaction cannot be shared in it.
            if isChanged { try commit() }
            let id = try change(blocks: blocks(forSubvolumeAt: end)) {
                try addSnapshot(of: location.subvolume, at: end, isReadOnly: isReadOnly)
            }
            try commit()
            return id
        }
    }

    /// The corresponding kernel function is `create_pending_snapshot`.
    private func addSnapshot(of source: ObjectID, at end: PathEnd, isReadOnly: Bool) throws -> ObjectID {
        let now = self.now()
        guard var root = try transaction.rootItem(of: source) else { throw Errno.noEntry }
        let id = try transaction.nextTreeNumber()
        root.parentUUID = root.uuid
        root.flags = isReadOnly ? root.flags.union(.readOnly) : root.flags.subtracting(.readOnly)
        if !isReadOnly {
            root.receivedUUID = UUID(low: 0, high: 0)
            root.stransid = 0
            root.rtransid = 0
            root.stime = .zero
            root.rtime = .zero
        }
        describe(&root, id: id, now: now)
        _ = try transaction.snapshotTree(source, as: id, root)
        let index = try takeDirectoryIndex(end.directory)
        try addSubvolumeName(end, at: index, location: Key(id, .rootItem, .max), now: now)
        try transaction.addUUID(root.uuid, of: id)
        try transaction.addQuotaGroup(of: id, in: end.directory.subvolume, source: source)
        forgetReaders()
        return id
    }

    private func newSubvolumeName(_ path: [UInt8]) throws -> PathEnd {
        let end = try parent(of: path, atRoot: .exists)
        guard try lookup(end.name, in: end.directory) == nil else { throw Errno.exists }
        try checkNewName(end)
        return end
    }

    /// The room for a new subvolume at `end`.
    private func blocks(forSubvolumeAt end: PathEnd) throws -> Int {
        Self.namesReserve + (try transaction.mostQuotaBlocks(of: end.directory.subvolume))
    }

    private func describe(_ root: inout RootItem, id: ObjectID, now: Timestamp) {
        root.uuid = Self.uuid(of: id, volume: volume.superblock.fsid, generation: transaction.generation)
        root.otime = now
        root.ctime = now
        root.otransid = transaction.generation
        root.ctransid = transaction.generation
    }

    /// A UUID that no other subvolume of the volume has, the same whenever the same operations are done. Version 8 is
    /// the one whose bits mean what its maker wants.
    private static func uuid(of id: ObjectID, volume: UUID, generation: Generation) -> UUID {
        func mix(_ value: UInt64) -> UInt64 {
            var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
        let low = mix(volume.low ^ mix(id.rawValue &+ 0x9E37_79B9_7F4A_7C15))
        let high = mix(volume.high ^ mix(generation ^ low))
        return UUID(low: low & ~(0xf0 << 48) | 0x80 << 48, high: high & ~0xc0 | 0x80)
    }

    /// Adds the name of a subvolume: the directory items, and the references in the tree of trees.
    func addSubvolumeName(_ end: PathEnd, at index: UInt64, location: Key, now: Timestamp) throws {
        let parent = end.directory.subvolume
        let result = try namespace(of: parent).addSubvolumeEntry(
            end.name.rawSpan, at: index, to: location, in: end.directory.inode)
        try require(result, in: end.directory)
        try transaction.addRootReference(
            of: location.objectID, in: parent, directory: end.directory.inode, index: index, name: end.name)
        try noteNames(of: end.directory, now)
    }

    // MARK: Removing

    /// Removes a subvolume or snapshot with all that is in it.
    ///
    /// - Throws: ENOTDIR for what is no directory, EINVAL for one that is not the root of a subvolume, such as the
    ///   empty place that a snapshot has for one, ENOTEMPTY when it holds other subvolumes, EBUSY when a file in it is
    ///   open.
    public func deleteSubvolume(_ path: some FilePath) throws(FileSystemError) {
        try changing("subvolume delete", path) { path in
            let end = try parent(of: path, atRoot: .busy)
            guard let found = try lookup(end.name, in: end.directory) else { throw Errno.noEntry }
            guard try item(found.location).isDirectory else { throw Errno.notDirectory }
            guard found.entry.isSubvolume, !found.isEmptyPlace else { throw Errno.invalid }
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
        let references = try transaction.mostReferences(of: id)
        let blocks = Self.namesReserve + (try transaction.mostQuotaBlocks(of: id))
        try change(blocks: blocks, references: references, makesRoom: true) {
            try log.recordSnapshotDestroy(in: inodeState(end.directory))
            try removeSubvolumeName(end, index: reference.sequence, now: now())
            try transaction.removeRootReference(of: id, in: end.directory.subvolume)
            try transaction.removeUUID(root.uuid, of: id)
            _ = try transaction.dropTree(id)
            transaction.removeQuotaGroup(of: id)
            forgetSubvolume(id)
        }
    }

    /// Takes the name away that a snapshot has for a subvolume in its source.
    func removeEmptyPlace(_ end: PathEnd) throws {
        try change(blocks: Self.namesReserve, makesRoom: true) {
            try log.recordSnapshotDestroy(in: inodeState(end.directory))
            try removeSubvolumeName(end, index: nil, now: now())
        }
    }

    func removeSubvolumeName(_ end: PathEnd, index: UInt64?, now: Timestamp) throws {
        try namespace(of: end.directory.subvolume).removeSubvolumeEntry(
            end.name.rawSpan, at: index, in: end.directory.inode)
        try noteNames(of: end.directory, now)
    }

    private func forgetSubvolume(_ id: ObjectID) {
        namespaces[id] = nil
        inodes = inodes.filter { $0.key.subvolume != id }
        nextInodeNumbers[id] = nil
        changedSubvolumes.remove(id)
        forgetReaders()
    }
}
