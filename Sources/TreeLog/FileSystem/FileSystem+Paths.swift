internal import BtrfsFormat
public import BtrfsVolume

/// The directory and the name in it that a path ends with.
struct PathEnd {
    var directory: FileLocation
    var name: [UInt8]
    /// Whether slashes follow the name: it has to be a directory.
    var isDirectoryWanted: Bool
}

extension FileSystem {
    private static let slash = UInt8(ascii: "/")
    private static let dot = [UInt8(ascii: ".")]
    private static let dotDot = [UInt8(ascii: "."), UInt8(ascii: ".")]

    /// The file at a path.
    ///
    /// - Parameter followsLink: whether a symbolic link at the end stands for its target.
    /// - Throws: ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG.
    public func location(
        _ path: some FilePath, followsLink: Bool = true
    ) throws(FileSystemError) -> FileLocation {
        try reading("lookup", path) { path in try find(path, followsLink: followsLink) }
    }

    func find(_ path: [UInt8], followsLink: Bool = true) throws -> FileLocation {
        let isDirectoryWanted = path.last == Self.slash
        let found = try walk(path, followsLink: followsLink || isDirectoryWanted)
        if isDirectoryWanted, try !item(found).isDirectory { throw Errno.notDirectory }
        return found
    }

    /// The directory in which the last name of a path is or comes to be.
    ///
    /// - Throws: `atRoot` when the path has no name, and also when it ends with `.` or `..`, if nothing else is said.
    func parent(
        of path: [UInt8], atRoot: Errno, atDot: Errno? = nil, atDotDot: Errno? = nil
    ) throws -> PathEnd {
        let end = try pathEnd(of: path)
        try checkName(of: end, atRoot: atRoot, atDot: atDot, atDotDot: atDotDot)
        return end
    }

    /// What `parent` gives, but with whatever name the path ends with.
    func pathEnd(of path: [UInt8]) throws -> PathEnd {
        guard !path.isEmpty else { throw Errno.noEntry }
        var end = path.count
        while end > 0, path[end - 1] == Self.slash { end -= 1 }
        let trimmed = path[..<end]
        let start = (trimmed.lastIndex(of: Self.slash) ?? -1) + 1
        let directory = try walk(Array(trimmed[..<start]), followsLink: true, isParent: true)
        guard try item(directory).isDirectory else { throw Errno.notDirectory }
        return PathEnd(directory: directory, name: Array(trimmed[start...]), isDirectoryWanted: end < path.count)
    }

    /// - Throws: see `parent`.
    func checkName(of end: PathEnd, atRoot: Errno, atDot: Errno? = nil, atDotDot: Errno? = nil) throws {
        if end.name.isEmpty { throw atRoot }
        if end.name == Self.dot { throw atDot ?? atRoot }
        if end.name == Self.dotDot { throw atDotDot ?? atRoot }
    }

    private func walk(_ path: [UInt8], followsLink: Bool, isParent: Bool = false) throws -> FileLocation {
        guard isParent || !path.isEmpty else { throw Errno.noEntry }
        guard path.count < Namespace.maximumPathByteCount else { throw Errno.nameTooLong }
        var walk = PathWalk(path, from: .fileTree)
        while let name = walk.nextName() {
            guard try item(walk.here).isDirectory else { throw Errno.notDirectory }
            if walk.isDots(name) { continue }
            let next = try step(from: walk.here, to: name)
            guard try item(next).isSymlink, followsLink || !walk.isAtEnd else {
                walk.enter(next)
                continue
            }
            let target = try files.symlinkTarget(of: next.inode, in: namespace(of: next.subvolume))
            guard walk.follow(target) else { throw Errno.loop }
        }
        // The empty place of a subvolume can only be looked at.
        if isChanging, walk.here.inode == .emptySubvolume { throw Errno.accessDenied }
        return walk.here
    }

    private func step(from here: FileLocation, to name: [UInt8]) throws -> FileLocation {
        guard let found = try lookup(name, in: here) else { throw Errno.noEntry }
        return found.location
    }

    /// What a name in a directory leads to.
    struct Found {
        var location: FileLocation
        var entry: EntryTarget
        /// Whether it is the empty directory that a snapshot has for a subvolume in its source.
        var isEmptyPlace: Bool { location.inode == .emptySubvolume }
    }

    /// What `name` in `directory` leads to; nil where there is no such name.
    ///
    /// - Throws: ENAMETOOLONG, and EINVAL for a name that cannot be one.
    func lookup(_ name: [UInt8], in directory: FileLocation) throws -> Found? {
        guard name.count <= Namespace.maximumNameByteCount else { throw Errno.nameTooLong }
        guard !name.contains(0) else { throw Errno.invalid }
        let namespace = try self.namespace(of: directory.subvolume)
        guard let target = try namespace.entry(named: name.rawSpan, in: directory.inode) else { return nil }
        let id = target.location.objectID
        guard target.isSubvolume else {
            return Found(location: FileLocation(subvolume: directory.subvolume, inode: id), entry: target)
        }
        let isEntered = try files.enters(id, name: name, in: directory.inode, of: directory.subvolume)
        let place = FileLocation(subvolume: directory.subvolume, inode: .emptySubvolume)
        return Found(location: isEntered ? .root(of: id) : place, entry: target)
    }
}
