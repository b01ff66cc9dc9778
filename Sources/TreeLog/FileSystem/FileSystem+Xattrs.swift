internal import BtrfsFormat
public import BtrfsVolume

/// Whether an extended attribute may be there before it is set.
public struct XattrFlags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// It must not: EEXIST.
    public static let create = XattrFlags(rawValue: 1 << 0)
    /// It must: ENODATA.
    public static let replace = XattrFlags(rawValue: 1 << 1)
}

extension FileSystem {
    /// The largest value of an extended attribute that Linux takes; a leaf of the tree holds less.
    private static let maximumXattrByteCount = 65536

    /// Sets an extended attribute. An access control list sets the mode too, whatever `flags` says, and is the mode
    /// alone where it says no more.
    ///
    /// - Parameter name: with its prefix, such as `user.`.
    /// - Throws: ERANGE for a name that is empty or longer than 255 bytes, E2BIG or ENOSPC for a value that is too
    ///   long, EOPNOTSUPP for a prefix that Linux does not know, EINVAL for a property of btrfs that there is not
    ///   and for what is no access control list, EACCES for a default list of what is no directory, EEXIST and
    ///   ENODATA by `flags`.
    public func setXattr(
        _ path: some FilePath, _ name: some FilePath, _ value: [UInt8], _ flags: XattrFlags = [],
        followsLink: Bool = true
    ) throws(FileSystemError) {
        try changing("setxattr", path) { path in
            let name = try xattrName(name)
            let location = try find(path, followsLink: followsLink)
            try checkXattr(name, of: location)
            guard value.count <= Self.maximumXattrByteCount else { throw Errno.tooBig }
            guard flags != [.create, .replace] else { throw Errno.invalid }
            guard !Self.isAccessList(name) else { return try setAccessList(name, value, of: location) }
            let compression = try compressionFlags(name, value, of: location)
            guard try compression == nil || hasContent(location) else { return }
            let namespace = try self.namespace(of: location.subvolume)
            let isThere = try namespace.xattr(named: name.rawSpan, of: location.inode) != nil
            if isThere, flags.contains(.create) { throw Errno.exists }
            if !isThere, flags.contains(.replace) { throw Errno.noData }
            try checkRoom(forXattr: name, byteCount: value.count, of: location)
            try change(blocks: Self.inodeReserve) {
                try namespace.setXattr(named: name.rawSpan, to: value.rawSpan, of: location.inode)
                try noteXattrChange(of: location, compression)
            }
        }
    }

    /// Removes an extended attribute.
    ///
    /// - Throws: ENODATA when there is none with this name and it is not that of an access control list.
    public func removeXattr(
        _ path: some FilePath, _ name: some FilePath, followsLink: Bool = true
    ) throws(FileSystemError) {
        try changing("removexattr", path) { path in
            let name = try xattrName(name)
            let location = try find(path, followsLink: followsLink)
            try checkXattr(name, of: location)
            guard !Self.isAccessList(name) else { return try setAccessList(name, [], of: location) }
            let compression = try compressionFlags(name, [], of: location)
            guard try compression == nil || hasContent(location) else { return }
            let namespace = try self.namespace(of: location.subvolume)
            guard try namespace.xattr(named: name.rawSpan, of: location.inode) != nil else { throw Errno.noData }
            try change(blocks: Self.inodeReserve, makesRoom: true) {
                _ = try namespace.removeXattr(named: name.rawSpan, of: location.inode)
                try noteXattrChange(of: location, compression)
            }
        }
    }

    /// Linux takes the property for compression of other files, and does nothing.
    private func hasContent(_ location: FileLocation) throws -> Bool {
        let inode = try item(location)
        return inode.isRegularFile || inode.isDirectory
    }

    private static func isAccessList(_ name: [UInt8]) -> Bool {
        name == AccessList.name || name == AccessList.defaultName
    }

    /// - Throws: ENOSPC, as Linux says it, also where names share a hash.
    func checkRoom(forXattr name: [UInt8], byteCount: Int, of location: FileLocation) throws {
        let namespace = try self.namespace(of: location.subvolume)
        guard byteCount <= namespace.maximumXattrByteCount(named: name.rawSpan),
            try namespace.hasRoom(forXattr: name.rawSpan, byteCount: byteCount, of: location.inode)
        else { throw Errno.noSpace }
    }

    /// - Parameter compression: what becomes of the flags for compression.
    func noteXattrChange(of location: FileLocation, _ compression: InodeFlags?) throws {
        let now = self.now()
        try update(location) { item in
            if let compression {
                item.flags.subtract([.compress, .noCompression])
                item.flags.formUnion(compression)
            }
            item.sequence &+= 1
            item.ctime = now
        }
        try inodeState(location).copyEverything = true
    }

    /// Linux looks at the length of the name before it looks for the file.
    private func xattrName(_ name: some FilePath) throws -> [UInt8] {
        let name = name.pathBytes
        guard (1...Namespace.maximumNameByteCount).contains(name.count) else { throw Errno.range }
        return name
    }

    /// The order of the checks is that of Linux.
    ///
    /// The corresponding kernel functions are `xattr_permission` and `xattr_resolve_name`.
    private func checkXattr(_ name: [UInt8], of location: FileLocation) throws {
        let prefixes = ["user.", "btrfs.", "trusted.", "security.", "system."]
        let prefix = prefixes.first { name.starts(with: $0.utf8) }
        let inode = try item(location)
        guard inode.flags.isDisjoint(with: [.immutable, .appendOnly]) else { throw Errno.notPermitted }
        // Linux gives these only to what has content.
        if prefix == "user.", try !hasContent(location) { throw Errno.notPermitted }
        if prefix == nil || prefix == "user." || prefix == "btrfs." { try checkWritable(location.subvolume) }
        guard let prefix, prefix != "system." || Self.isAccessList(name) else { throw Errno.notSupported }
        guard name.count > prefix.utf8.count else { throw Errno.invalid }
        try checkWritable(location.subvolume)
    }

    /// The value of an extended attribute.
    ///
    /// - Throws: ENODATA when there is none with this name.
    public func getXattr(
        _ path: some FilePath, _ name: some FilePath, followsLink: Bool = true
    ) throws(FileSystemError) -> [UInt8] {
        try reading("getxattr", path) { path in
            let location = try find(path, followsLink: followsLink)
            let name = name.pathBytes
            let value = try namespace(of: location.subvolume).xattr(named: name.rawSpan, of: location.inode)
            guard let value else { throw Errno.noData }
            return value
        }
    }

    /// All extended attributes of a file, in the order of their hashes.
    public func listXattrs(_ path: some FilePath, followsLink: Bool = true) throws(FileSystemError) -> [Xattr] {
        try reading("listxattr", path) { path in
            let location = try find(path, followsLink: followsLink)
            return try namespace(of: location.subvolume).xattrs(of: location.inode)
        }
    }
}
