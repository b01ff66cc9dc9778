internal import BtrfsFormat
internal import BtrfsVolume

/// What a rename does when the new name is taken.
public struct RenameFlags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// It fails with EEXIST.
    public static let noReplace = RenameFlags(rawValue: 1 << 0)
    /// Both files change their names; both have to be there.
    public static let exchange = RenameFlags(rawValue: 1 << 1)
}

extension FileSystem {
    /// Gives a file another name, in place of whatever had it.
    ///
    /// - Throws: EXDEV into another subvolume, unless it is a subvolume that is renamed; ENOTEMPTY, EISDIR, ENOTDIR for
    ///   what has the new name; EINVAL for a directory into itself.
    public func rename(
        _ old: some FilePath, to new: some FilePath, _ flags: RenameFlags = []
    ) throws(FileSystemError) {
        try changing("rename", new) { new in
            guard flags != [.noReplace, .exchange] else { throw Errno.invalid }
            let from = try parent(of: old.pathBytes, atRoot: .busy)
            let to = try parent(of: new, atRoot: flags.contains(.noReplace) ? .exists : .busy)
            guard let source = try lookup(from.name, in: from.directory) else { throw Errno.noEntry }
            let target = try lookup(to.name, in: to.directory)
            // Linux says the same of the empty place of a subvolume.
            if source.isEmptyPlace || target?.isEmptyPlace == true { throw Errno.notEmpty }
            let move = Move(from: from, to: to, source: source, target: target)
            if flags.contains(.exchange) { return try exchange(move) }
            if flags.contains(.noReplace), target != nil { throw Errno.exists }
            try rename(move)
        }
    }

    /// A file on its way from one name to another.
    private struct Move {
        var from: PathEnd
        var to: PathEnd
        var source: Found
        /// What has the new name.
        var target: Found?
        var isWithinDirectory: Bool { from.directory == to.directory }
    }

    // MARK: Replacing

    /// The corresponding kernel function is `btrfs_rename`.
    private func rename(_ move: Move) throws {
        if let target = move.target, target.location == move.source.location { return }
        let inode = try item(move.source.location)
        if move.from.isDirectoryWanted || move.to.isDirectoryWanted, !inode.isDirectory { throw Errno.notDirectory }
        try check(move, inode)
        if let target = move.target { try checkReplaceable(target, by: inode, in: move.to) }
        try checkNewName(move.to)
        let targetLinks = try move.target.map { try item($0.location).nlink } ?? 0
        try change(blocks: 2 * Self.namesReserve) {
            let now = self.now()
            let index = try takeDirectoryIndex(move.to.directory)
            try take(move.source, from: move.from, now: now, isMove: !move.isWithinDirectory)
            let replaced = try move.target.map { try inodeState($0.location) }
            if let target = move.target {
                try take(target, from: move.to, now: now, isMove: false)
                if !target.entry.isSubvolume, targetLinks == 1 || target.entry.type == .directory {
                    try deleteIfUnused(target.location)
                }
            }
            try put(move, inode, replacing: replaced, at: index, now: now)
        }
    }

    /// - Throws: what makes moving a file impossible.
    private func check(_ move: Move, _ inode: InodeItem) throws {
        try checkRemoval(of: inode, from: move.from.directory)
        try checkWritable(move.to.directory.subvolume)
        guard move.source.entry.isSubvolume || move.from.directory.subvolume == move.to.directory.subvolume else {
            throw Errno.crossDevice
        }
        if inode.isDirectory, try isWithin(move.to.directory, move.source.location) { throw Errno.invalid }
        let namespace = try self.namespace(of: move.to.directory.subvolume)
        guard try move.source.entry.isSubvolume
            || namespace.hasRoom(
                forReferenceFrom: move.source.location.inode, to: move.to.directory.inode, name: move.to.name.rawSpan)
        else { throw Errno.tooManyLinks }
    }

    private func checkReplaceable(_ target: Found, by inode: InodeItem, in end: PathEnd) throws {
        let replaced = try item(target.location)
        try checkRemoval(of: replaced, from: end.directory)
        if inode.isDirectory {
            guard replaced.isDirectory else { throw Errno.notDirectory }
            guard replaced.size == 0 else { throw Errno.notEmpty }
            // What is in the place of a subvolume has to be deleted as one.
            guard !target.entry.isSubvolume else { throw Errno.notEmpty }
        } else if replaced.isDirectory {
            throw Errno.isDirectory
        }
    }

    /// Whether a directory is `ancestor` or lies below it.
    private func isWithin(_ directory: FileLocation, _ ancestor: FileLocation) throws -> Bool {
        var current = directory
        // The names of directories form no loop, unless the volume is damaged: then the count ends it.
        for _ in 0..<Namespace.maximumPathByteCount {
            if current == ancestor { return true }
            if current.inode != .firstFree {
                guard let name = try namespace(of: current.subvolume).firstName(of: current.inode) else { return false }
                current.inode = name.directory
                continue
            }
            guard current.subvolume != .fileTree, let above = try parentDirectory(of: current.subvolume) else {
                return false
            }
            current = above
        }
        throw VolumeError.damaged("the directories above inode \(directory.inode) form a loop")
    }

    /// The directory with the name that enters a subvolume.
    private func parentDirectory(of subvolume: ObjectID) throws -> FileLocation? {
        guard let parent = try transaction.parent(of: subvolume),
            let reference = try transaction.rootReference(of: subvolume, in: parent)
        else { return nil }
        return FileLocation(subvolume: parent, inode: reference.directoryID)
    }

    // MARK: Exchanging

    /// The corresponding kernel function is `btrfs_rename_exchange`.
    private func exchange(_ move: Move) throws {
        guard let target = move.target else { throw Errno.noEntry }
        if target.location == move.source.location { return }
        let (first, second) = (try item(move.source.location), try item(target.location))
        let back = Move(from: move.to, to: move.from, source: target, target: move.source)
        let isWithinSubvolume = move.from.directory.subvolume == move.to.directory.subvolume
        guard isWithinSubvolume || (move.source.entry.isSubvolume && target.entry.isSubvolume) else {
            throw Errno.crossDevice
        }
        try check(move, first)
        try check(back, second)
        try change(blocks: 2 * Self.namesReserve) {
            let now = self.now()
            let firstIndex = try takeDirectoryIndex(move.to.directory)
            let secondIndex = try takeDirectoryIndex(move.from.directory)
            try take(move.source, from: move.from, now: now, isMove: !move.isWithinDirectory)
            try take(target, from: move.to, now: now, isMove: !move.isWithinDirectory)
            let states = (try inodeState(move.source.location), try inodeState(target.location))
            try put(move, first, replacing: states.1, at: firstIndex, now: now)
            try put(back, second, replacing: states.0, at: secondIndex, now: now)
        }
    }

    // MARK: The two halves

    /// Takes the name of a file away on its way to another.
    private func take(_ found: Found, from end: PathEnd, now: Timestamp, isMove: Bool) throws {
        guard found.entry.isSubvolume else {
            return try removeName(end.name, of: found.location, in: end.directory, now: now, isMove: isMove)
        }
        let reference = try transaction.rootReference(of: found.location.subvolume, in: end.directory.subvolume)
        log.requireFullCommit(.changedSubvolume)
        try removeSubvolumeName(end, index: reference?.sequence, now: now)
        try transaction.removeRootReference(of: found.location.subvolume, in: end.directory.subvolume)
    }

    /// Gives a file its new name in place of another file, and its link count what `take` took.
    private func put(
        _ move: Move, _ inode: InodeItem, replacing replaced: InodeState?, at index: UInt64, now: Timestamp
    ) throws {
        let (found, end) = (move.source, move.to)
        if found.entry.isSubvolume {
            try addSubvolumeName(end, at: index, location: found.entry.location, now: now)
            return try update(found.location) { $0.ctime = now }
        }
        try addName(
            end.name, of: found.location, type: inode.fileType, in: end.directory, at: index, now: now)
        try update(found.location) {
            $0.nlink = inode.nlink
            $0.ctime = now
        }
        log.didLink(
            try inodeState(found.location), oldDirectory: try inodeState(move.from.directory),
            newDirectory: try inodeState(end.directory), replaced: replaced)
    }
}
