public import BtrfsFormat
public import BtrfsVolume

/// What `stat` tells of a file.
public struct FileStatus: Equatable, Sendable {
    /// The subvolume and the number of the inode.
    public var location: FileLocation
    /// The inode item.
    public var item: InodeItem
}

extension FileSystem {
    /// What is known of a file.
    public func stat(_ path: some FilePath, followsLink: Bool = true) throws(FileSystemError) -> FileStatus {
        try reading("stat", path) { path in
            let location = try find(path, followsLink: followsLink)
            return FileStatus(location: location, item: try item(location))
        }
    }

    /// What is known of a file.
    public func stat(_ location: FileLocation) throws(FileSystemError) -> FileStatus {
        try reading("stat", location) { FileStatus(location: location, item: try item(location)) }
    }

    /// Whether there is a file at a path.
    public func exists(_ path: some FilePath) throws(FileSystemError) -> Bool {
        do {
            _ = try location(path, followsLink: false)
            return true
        } catch {
            if [.noEntry, .notDirectory].contains(error.code) { return false }
            throw error
        }
    }

    /// Bytes of a file: fewer where it ends.
    ///
    /// - Throws: EISDIR for a directory, EINVAL for what is no regular file, EFBIG for more than
    ///   `maximumReadByteCount` at once, EIO for data with a wrong checksum.
    public func read(
        _ path: some FilePath, at offset: UInt64 = 0, count: UInt64 = .max
    ) throws(FileSystemError) -> [UInt8] {
        try reading("read", path) { path in try content(of: find(path), at: offset, count: count) }
    }

    /// Bytes of a file: fewer where it ends.
    public func read(
        _ location: FileLocation, at offset: UInt64 = 0, count: UInt64 = .max
    ) throws(FileSystemError) -> [UInt8] {
        try reading("read", location) { try content(of: location, at: offset, count: count) }
    }

    func content(of location: FileLocation, at offset: UInt64, count: UInt64) throws -> [UInt8] {
        let inode = try item(location)
        guard !inode.isDirectory else { throw Errno.isDirectory }
        guard inode.isRegularFile else { throw Errno.invalid }
        guard offset < inode.size else { return [] }
        let count = min(count, inode.size - offset)
        guard count <= Self.maximumReadByteCount else { throw Errno.fileTooLarge }
        // Checksums are those of whole sectors, of compressed data those of all.
        let start = sectorStart(offset)
        var collector = ByteCollector(limit: Int(offset + count - start))
        try files.fileReader().read(
            location.inode, inode, range: start..<offset + count, of: namespace(of: location.subvolume),
            into: &collector)
        return start == offset ? collector.bytes : Array(collector.bytes[Int(offset - start)...])
    }

    /// The target of a symbolic link.
    ///
    /// - Throws: EINVAL for another file.
    public func readLink(_ path: some FilePath) throws(FileSystemError) -> [UInt8] {
        try reading("readlink", path) { path in
            let location = try find(path, followsLink: false)
            guard try item(location).isSymlink else { throw Errno.invalid }
            return try files.symlinkTarget(of: location.inode, in: namespace(of: location.subvolume))
        }
    }

    /// The names in a directory, in the order of their indexes.
    public func readDirectory(_ path: some FilePath) throws(FileSystemError) -> [DirectoryEntry] {
        try reading("readdir", path) { path in
            let location = try find(path)
            guard try item(location).isDirectory else { throw Errno.notDirectory }
            var entries = try namespace(of: location.subvolume).entries(of: location.inode)
            var result: [DirectoryEntry] = []
            while let entry = try entries.next() { result.append(entry) }
            return result
        }
    }
}
