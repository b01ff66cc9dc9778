public import BtrfsVolume
internal import BtrfsFormat

/// A file that is open. Without a name it lives until it is closed.
public final class OpenFile {
    /// Which file it is.
    public let location: FileLocation
    fileprivate(set) var isClosed = false

    init(_ location: FileLocation) { self.location = location }
}

extension FileSystem {
    /// Opens a file or directory.
    public func open(_ path: some FilePath) throws(FileSystemError) -> OpenFile {
        try reading("open", path) { path in try open(find(path)) }
    }

    private func open(_ location: FileLocation) throws -> OpenFile {
        try inodeState(location).openCount += 1
        return OpenFile(location)
    }

    /// Closes a file; if it has no name left it is deleted.
    ///
    /// - Throws: EBADF when it is closed already.
    public func close(_ file: OpenFile) throws(FileSystemError) {
        try reading("close", file.location) {
            guard !file.isClosed, let state = inodes[file.location] else { throw Errno.badFile }
            file.isClosed = true
            state.openCount -= 1
            guard state.openCount == 0, !options.isReadOnly, try item(file.location).nlink == 0 else { return }
            deletions.append(file.location)
            try finishDeletions()
        }
    }

    /// Creates a regular file without a name in the subvolume of a directory. The corresponding flag of `open` is
    /// O_TMPFILE.
    public func createUnnamed(
        in directory: some FilePath, mode: UInt32 = 0o600
    ) throws(FileSystemError) -> OpenFile {
        try changing("tmpfile", directory) { path in
            let directory = try find(path)
            guard try item(directory).isDirectory else { throw Errno.notDirectory }
            try checkWritable(directory.subvolume)
            let new = try inheriting(NewInode(mode: 0o100000 | mode & 0o7777), from: directory)
            return try change(blocks: Self.namesReserve) {
                let location = try insertInode(new, in: directory, now: now(), nlink: 0)
                try namespace(of: directory.subvolume).addOrphan(location.inode)
                return try open(location)
            }
        }
    }

    /// Gives a file its first name, or one more.
    public func linkUnnamed(_ file: OpenFile, to path: some FilePath) throws(FileSystemError) {
        try changing("link", path) { path in
            guard !file.isClosed else { throw Errno.badFile }
            try link(file.location, to: path)
        }
    }
}
