public import BtrfsFormat
internal import BtrfsVolume

extension FileSystem {
    /// How many tree blocks a change of one inode may copy or add.
    static let inodeReserve = 16

    /// Changes the permissions of a file.
    public func changeMode(_ path: some FilePath, to mode: UInt32) throws(FileSystemError) {
        try changeAttributes("chmod", path) { item, now in
            item.mode = item.mode & ~0o7777 | mode & 0o7777
            item.ctime = now
        }
    }

    /// Changes the owner and the group of a file; nil leaves one as it is. What is not a directory
    /// loses the right to run as its owner.
    public func changeOwner(
        _ path: some FilePath, uid: UInt32? = nil, gid: UInt32? = nil, followsLink: Bool = true
    ) throws(FileSystemError) {
        try changeAttributes("chown", path, followsLink: followsLink, dropsPrivileges: true) { item, now in
            item.uid = uid ?? item.uid
            item.gid = gid ?? item.gid
            if !item.isDirectory {
                item.mode &= ~0o4000
                if item.mode & 0o010 != 0 { item.mode &= ~0o2000 }
            }
            item.ctime = now
        }
    }

    /// Sets the times of access and change of a file; nil leaves one as it is.
    public func setTimes(
        _ path: some FilePath, access: Timestamp? = nil, modification: Timestamp? = nil, followsLink: Bool = true
    ) throws(FileSystemError) {
        try changeAttributes("utimes", path, followsLink: followsLink) { item, now in
            item.atime = access ?? item.atime
            item.mtime = modification ?? item.mtime
            item.ctime = now
        }
    }

    /// Sets the flags of a file that users can set: of `InodeFlags` those that FS_IOC_SETFLAGS knows.
    ///
    /// A regular file changes between copy on write and overwriting in place only while it is empty; else it stays
    /// as it is.
    ///
    /// - Throws: EINVAL for other flags, and for COMPRESS together with NOCOMPRESS or NODATACOW.
    public func setFlags(_ path: some FilePath, _ flags: InodeFlags) throws(FileSystemError) {
        try changing("setflags", path) { path in
            guard flags.isSubset(of: Self.userFlags) else { throw Errno.invalid }
            let isCompressed = flags.contains(.compress)
            guard !isCompressed || flags.isDisjoint(with: [.noCompression, .noDataCopyOnWrite]) else {
                throw Errno.invalid
            }
            let location = try find(path)
            try checkWritable(location.subvolume)
            try change(blocks: Self.inodeReserve) {
                let now = self.now()
                try update(location) { item in
                    item.flags = Self.flags(of: item, set: flags)
                    item.sequence &+= 1
                    item.ctime = now
                }
            }
        }
    }

    private static let userFlags: InodeFlags = [
        .noDataCopyOnWrite, .noCompression, .compress, .synchronous, .immutable, .appendOnly, .noDump, .noAccessTime,
        .synchronousDirectory,
    ]

    /// The corresponding kernel function is `btrfs_fileattr_set`.
    private static func flags(of item: InodeItem, set wanted: InodeFlags) -> InodeFlags {
        var flags = item.flags.subtracting(userFlags).union(wanted.subtracting(.noDataCopyOnWrite))
        if item.isRegularFile {
            if item.size > 0 {
                flags.formUnion(item.flags.intersection(.noDataCopyOnWrite))
            } else if wanted.contains(.noDataCopyOnWrite) {
                flags.formUnion([.noDataCopyOnWrite, .noDataChecksum])
            } else {
                flags.subtract([.noDataCopyOnWrite, .noDataChecksum])
            }
        } else {
            flags.formUnion(wanted.intersection(.noDataCopyOnWrite))
        }
        return flags
    }

    private func changeAttributes(
        _ operation: String, _ path: some FilePath, followsLink: Bool = true, dropsPrivileges: Bool = false,
        _ body: (inout InodeItem, Timestamp) -> Void
    ) throws(FileSystemError) {
        try changing(operation, path) { path in
            let location = try find(path, followsLink: followsLink)
            try checkWritable(location.subvolume)
            let old = try item(location)
            guard old.flags.isDisjoint(with: [.immutable, .appendOnly]) else { throw Errno.notPermitted }
            try change(blocks: Self.inodeReserve) {
                let now = self.now()
                if dropsPrivileges, !old.isDirectory { try dropCapabilities(location) }
                try update(location) { item in
                    body(&item, now)
                    item.sequence &+= 1
                }
                let mode = try item(location).mode
                if mode != old.mode { try updateAccessList(of: location, to: mode) }
            }
        }
    }

    /// Removes the capabilities of an executable: its content or owner changes. The corresponding kernel function is
    /// `cap_inode_killpriv`.
    func dropCapabilities(_ location: FileLocation) throws {
        let name = Array("security.capability".utf8)
        if try namespace(of: location.subvolume).removeXattr(named: name.rawSpan, of: location.inode) {
            try inodeState(location).copyEverything = true
        }
    }
}
