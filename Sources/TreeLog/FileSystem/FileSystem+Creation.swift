public import BtrfsFormat
public import BtrfsVolume

extension FileSystem {
    /// How many tree blocks an operation on a few names may copy or add: a way to the leaf for each of its items.
    static let namesReserve = 48

    /// Creates an empty regular file.
    ///
    /// - Parameter mode: the permissions.
    /// - Throws: EEXIST, ENOENT, ENOTDIR, ENAMETOOLONG, EROFS, ENOSPC.
    @discardableResult
    public func create(_ path: some FilePath, mode: UInt32 = 0o644) throws(FileSystemError) -> FileLocation {
        try changing("create", path) { path in
            try make(path, NewInode(mode: 0o100000 | mode & 0o7777))
        }
    }

    /// Creates an empty directory.
    @discardableResult
    public func makeDirectory(_ path: some FilePath, mode: UInt32 = 0o755) throws(FileSystemError) -> FileLocation {
        try changing("mkdir", path) { path in
            try make(path, NewInode(mode: 0o040000 | mode & 0o7777))
        }
    }

    /// Creates a symbolic link.
    ///
    /// - Throws: ENAMETOOLONG for a target that does not fit a sector or a leaf, ENOENT for an empty one.
    @discardableResult
    public func makeSymlink(_ path: some FilePath, to target: some FilePath) throws(FileSystemError) -> FileLocation {
        try changing("symlink", path) { path in
            let target = target.pathBytes
            guard !target.isEmpty else { throw Errno.noEntry }
            guard target.count < volume.sectorSize, target.count < Namespace.maximumPathByteCount,
                target.count <= inlineCapacity
            else { throw Errno.nameTooLong }
            guard !target.contains(0) else { throw Errno.invalid }
            return try make(path, NewInode(mode: 0o120777, target: target))
        }
    }

    /// Creates a device file, a fifo, a socket or an empty regular file.
    ///
    /// - Parameter mode: file type and permissions.
    /// - Throws: EINVAL for another file type.
    @discardableResult
    public func makeNode(
        _ path: some FilePath, mode: UInt32, device: DeviceNumber = DeviceNumber(major: 0, minor: 0)
    ) throws(FileSystemError) -> FileLocation {
        try changing("mknod", path) { path in
            let type = DirEntryType(mode: mode)
            let isDevice = type == .characterDevice || type == .blockDevice
            guard isDevice || [.fifo, .socket, .regularFile].contains(type) else { throw Errno.invalid }
            return try make(path, NewInode(mode: mode & 0o177777, rdev: isDevice ? device.rawValue : 0))
        }
    }

    /// What an inode begins as.
    struct NewInode {
        var mode: UInt32
        var rdev: UInt64 = 0
        /// Of a symbolic link.
        var target: [UInt8] = []
        /// What it has from its directory: see `inheriting`.
        var gid: UInt32?
        var flags: InodeFlags = []
        var xattrs: [Xattr] = []
    }

    /// The corresponding kernel function is `btrfs_create_new_inode`.
    private func make(_ path: [UInt8], _ new: NewInode) throws -> FileLocation {
        let end = try parent(of: path, atRoot: .exists)
        guard try lookup(end.name, in: end.directory) == nil else { throw Errno.exists }
        if end.isDirectoryWanted, DirEntryType(mode: new.mode) != .directory { throw Errno.noEntry }
        try checkNewName(end)
        let new = try inheriting(new, from: end.directory)
        return try change(blocks: Self.namesReserve) {
            let now = self.now()
            let location = try insertInode(new, in: end.directory, now: now)
            let index = try takeDirectoryIndex(end.directory)
            try addName(
                end.name, of: location, type: DirEntryType(mode: new.mode), in: end.directory, at: index, now: now)
            return location
        }
    }

    /// - Throws: what makes adding a name to a directory impossible.
    func checkNewName(_ end: PathEnd) throws {
        try checkWritable(end.directory.subvolume)
        let directory = try item(end.directory)
        // The names of a deleted directory are gone with it.
        guard directory.nlink > 0 else { throw Errno.noEntry }
        guard !directory.flags.contains(.immutable) else { throw Errno.notPermitted }
        guard try namespace(of: end.directory.subvolume).hasRoom(for: end.name.rawSpan, in: end.directory.inode)
        else { throw Errno.overflow }
    }

    /// Puts the items of a new inode that has no name yet.
    func insertInode(
        _ new: NewInode, in directory: FileLocation, now: Timestamp, nlink: UInt32 = 1
    ) throws -> FileLocation {
        let namespace = try self.namespace(of: directory.subvolume)
        let location = FileLocation(
            subvolume: directory.subvolume, inode: try takeInodeNumber(in: directory.subvolume))
        var inode = InodeItem(generation: transaction.generation, mode: new.mode, nlink: nlink, time: now)
        inode.uid = options.uid
        inode.gid = new.gid ?? options.gid
        inode.rdev = new.rdev
        inode.flags = new.flags
        inode.size = UInt64(new.target.count)
        inode.nbytes = UInt64(new.target.count)
        try namespace.putInode(location.inode, inode)
        for xattr in new.xattrs {
            try namespace.setXattr(named: xattr.name.rawSpan, to: xattr.value.rawSpan, of: location.inode)
        }
        let state = InodeState(location, generation: transaction.generation)
        state.noteChange(in: transaction.generation)
        if !new.target.isEmpty {
            try namespace.insertInline(new.target.rawSpan, of: location.inode)
            state.modifiedExtents.insert(0..<sectorSize)
        }
        if inode.isDirectory { state.nextDirectoryIndex = Namespace.firstDirectoryIndex }
        inodes[location] = state
        changedSubvolumes.insert(location.subvolume)
        return location
    }

    /// Gives an inode a name: the two directory items, the reference, size and times of the directory.
    func addName(
        _ name: [UInt8], of location: FileLocation, type: DirEntryType, in directory: FileLocation,
        at index: UInt64, now: Timestamp
    ) throws {
        let result = try namespace(of: directory.subvolume).addLink(
            name.rawSpan, at: index, to: location.inode, type: type, in: directory.inode, backReference: .add)
        try require(result, in: directory)
        try noteNames(of: directory, now)
    }

    /// - Throws: `VolumeError.damaged` where a name was not added, although all was checked before.
    func require(_ result: LinkResult, in directory: FileLocation) throws(VolumeError) {
        guard result == .added else {
            throw .damaged("directory \(directory.inode): a name could not be added: \(result)")
        }
    }
}
