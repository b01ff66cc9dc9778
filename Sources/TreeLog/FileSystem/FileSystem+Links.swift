internal import BtrfsFormat
internal import BtrfsVolume

extension FileSystem {
    /// The most names that a file can have. The corresponding kernel constant is `BTRFS_LINK_MAX`.
    public static let maximumLinkCount: UInt32 = 65535

    // MARK: Adding

    /// Gives a file one more name.
    ///
    /// - Throws: EPERM for a directory, EXDEV into another subvolume, EMLINK, EEXIST.
    public func link(_ old: some FilePath, to new: some FilePath) throws(FileSystemError) {
        try changing("link", new) { new in
            try link(find(old.pathBytes, followsLink: false), to: new)
        }
    }

    /// Gives a file a name, which may be its first: see `createUnnamed`.
    func link(_ location: FileLocation, to path: [UInt8]) throws {
        let end = try parent(of: path, atRoot: .exists)
        guard try lookup(end.name, in: end.directory) == nil else { throw Errno.exists }
        let inode = try item(location)
        if end.isDirectoryWanted { throw Errno.noEntry }
        try checkNewName(end)
        guard !inode.isDirectory, inode.flags.isDisjoint(with: [.immutable, .appendOnly]) else {
            throw Errno.notPermitted
        }
        guard location.subvolume == end.directory.subvolume else { throw Errno.crossDevice }
        guard inode.nlink < Self.maximumLinkCount else { throw Errno.tooManyLinks }
        let namespace = try self.namespace(of: location.subvolume)
        guard try namespace.hasRoom(
            forReferenceFrom: location.inode, to: end.directory.inode, name: end.name.rawSpan)
        else { throw Errno.tooManyLinks }
        try change(blocks: Self.namesReserve) {
            let now = self.now()
            try update(location) {
                $0.nlink += 1
                $0.sequence &+= 1
                $0.ctime = now
            }
            let index = try takeDirectoryIndex(end.directory)
            try addName(end.name, of: location, type: inode.fileType, in: end.directory, at: index, now: now)
            if inode.nlink == 0 { try namespace.removeOrphan(location.inode) }
            log.didLink(try inodeState(location), oldDirectory: nil)
        }
    }

    // MARK: Removing

    /// Takes a name of a file away. With the last one the file goes, unless it is open.
    ///
    /// - Throws: EISDIR for a directory.
    public func unlink(_ path: some FilePath) throws(FileSystemError) {
        try changing("unlink", path) { path in
            let end = try parent(of: path, atRoot: .isDirectory)
            guard let found = try lookup(end.name, in: end.directory) else { throw Errno.noEntry }
            let inode = try item(found.location)
            if end.isDirectoryWanted { throw inode.isDirectory ? Errno.isDirectory : .notDirectory }
            try checkRemoval(of: inode, from: end.directory)
            guard !inode.isDirectory else { throw Errno.isDirectory }
            try change(blocks: Self.namesReserve, makesRoom: true) {
                let now = self.now()
                try removeName(end.name, of: found.location, in: end.directory, now: now)
                if inode.nlink == 1 { try deleteIfUnused(found.location) }
            }
        }
    }

    /// Removes an empty directory.
    ///
    /// - Throws: ENOTDIR, ENOTEMPTY; EBUSY for the root; EPERM for the root of a subvolume: see `deleteSubvolume`.
    public func removeDirectory(_ path: some FilePath) throws(FileSystemError) {
        try changing("rmdir", path) { path in
            let end = try parent(of: path, atRoot: .busy, atDot: .invalid, atDotDot: .notEmpty)
            guard let found = try lookup(end.name, in: end.directory) else { throw Errno.noEntry }
            let inode = try item(found.location)
            try checkRemoval(of: inode, from: end.directory)
            guard inode.isDirectory else { throw Errno.notDirectory }
            guard inode.size == 0 else { throw Errno.notEmpty }
            if found.isEmptyPlace { return try removeEmptyPlace(end) }
            if found.entry.isSubvolume {
                return try deleteSubvolume(found.location.subvolume, end)
            }
            try change(blocks: Self.namesReserve, makesRoom: true) {
                let now = self.now()
                try removeName(end.name, of: found.location, in: end.directory, now: now)
                try deleteIfUnused(found.location)
            }
        }
    }

    /// - Throws: what makes removing a name impossible.
    func checkRemoval(of inode: InodeItem, from directory: FileLocation) throws {
        try checkWritable(directory.subvolume)
        let above = try item(directory)
        guard above.flags.isDisjoint(with: [.immutable, .appendOnly]),
            inode.flags.isDisjoint(with: [.immutable, .appendOnly])
        else { throw Errno.notPermitted }
    }

    /// Takes a name away: directory items, reference, sizes, times and link count.
    ///
    /// The corresponding kernel function is `btrfs_unlink_inode`.
    func removeName(
        _ name: [UInt8], of location: FileLocation, in directory: FileLocation, now: Timestamp, isMove: Bool = false
    ) throws {
        let namespace = try self.namespace(of: directory.subvolume)
        guard let reference = try namespace.reference(
            from: location.inode, to: directory.inode, name: name.rawSpan)
        else {
            throw VolumeError.noSuchKey(
                tree: directory.subvolume, Key(location.inode, .inodeRef, directory.inode.rawValue))
        }
        let state = try inodeState(location)
        let directoryState = try inodeState(directory)
        try log.willUnlink(index: reference.index, of: state, in: directoryState, isMove: isMove)
        try namespace.unlink(name.rawSpan, of: location.inode, in: directory.inode, now: now)
        state.noteChange(in: transaction.generation)
        try noteNames(of: directory, now)
    }
}
