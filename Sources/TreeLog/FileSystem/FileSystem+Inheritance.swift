internal import BtrfsFormat
internal import BtrfsVolume

// What new files have from their directory: group, flags, properties and access control lists.

extension FileSystem {
    /// A new inode with what it has from the directory in which it is made.
    ///
    /// The corresponding kernel functions are `inode_init_owner`, `btrfs_inherit_iflags`, `btrfs_inode_inherit_props`
    /// and `posix_acl_create`.
    ///
    /// - Throws: EINVAL and EOPNOTSUPP when the directory has a default list that is none.
    func inheriting(_ new: NewInode, from directory: FileLocation) throws -> NewInode {
        var new = new
        let above = try item(directory)
        let type = DirEntryType(mode: new.mode)
        if above.mode & 0o2000 != 0 {
            new.gid = above.gid
            if type == .directory { new.mode |= 0o2000 }
        }
        new.flags = Self.inheritedFlags(of: above, isFile: type == .regularFile)
        try inheritCompression(&new, type, from: directory)
        if type != .symlink { try inheritAccess(&new, type, from: directory) }
        return new
    }

    private static func inheritedFlags(of directory: InodeItem, isFile: Bool) -> InodeFlags {
        var flags: InodeFlags = []
        if directory.flags.contains(.noCompression) {
            flags.insert(.noCompression)
        } else if directory.flags.contains(.compress) {
            flags.insert(.compress)
        }
        if directory.flags.contains(.noDataCopyOnWrite) {
            flags.insert(.noDataCopyOnWrite)
            if isFile { flags.insert(.noDataChecksum) }
        }
        return flags
    }

    private func inheritCompression(
        _ new: inout NewInode, _ type: DirEntryType, from directory: FileLocation
    ) throws {
        let name = CompressionProperty.name
        guard type == .regularFile || type == .directory,
            new.flags.isDisjoint(with: [.noDataCopyOnWrite, .noDataChecksum]),
            let value = try namespace(of: directory.subvolume).xattr(named: name.rawSpan, of: directory.inode),
            let method = CompressionProperty.method(in: value)
        else { return }
        new.flags.subtract(.noCompression)
        new.flags.insert(.compress)
        new.xattrs.append(Xattr(name: name, value: Array(method.utf8)))
    }

    /// The flags of a file that the property for compression sets; nil for other attributes.
    ///
    /// - Parameter value: empty where the property goes.
    /// - Throws: EINVAL for another value or another property, EPERM for a file that is not copied on write.
    func compressionFlags(_ name: [UInt8], _ value: [UInt8], of location: FileLocation) throws -> InodeFlags? {
        guard name.starts(with: "btrfs.".utf8) else { return nil }
        guard name == CompressionProperty.name else { throw Errno.invalid }
        guard try item(location).flags.isDisjoint(with: [.noDataCopyOnWrite, .noDataChecksum]) else {
            throw Errno.notPermitted
        }
        guard let flags = CompressionProperty.flags(for: value) else { throw Errno.invalid }
        return flags
    }

    private func inheritAccess(_ new: inout NewInode, _ type: DirEntryType, from directory: FileLocation) throws {
        let name = AccessList.defaultName
        let value = try namespace(of: directory.subvolume).xattr(named: name.rawSpan, of: directory.inode)
        guard let value, var list = try AccessList(value) else { return }
        if type == .directory { new.xattrs.append(Xattr(name: name, value: value)) }
        if try list.restrict(&new.mode) { new.xattrs.append(Xattr(name: AccessList.name, value: list.bytes)) }
    }
}
