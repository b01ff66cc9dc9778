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
            // Linux looks for both directories before it looks at the last names.
            let (from, to) = (try pathEnd(of: old.pathBytes), try pathEnd(of: new))
            try checkName(of: from, atRoot: .busy)
            try checkName(of: to, atRoot: flags.contains(.noReplace) ? .exists : .busy)
            guard let source = try lookup(from.name, in: from.directory) else { throw Errno.noEntry }
            let target = try lookup(to.name, in: to.directory)
            // Linux says the same of the empty place of a subvolume.
            if source.isEmptyPlace || target?.isEmptyPlace == true { throw Errno.notEmpty }
            if flags.contains(.noReplace), target != nil { throw Errno.exists }
            if flags.contains(.exchange), target == nil { throw Errno.noEntry }
            let move = Move(from: from, to: to, source: source, target: target)
            try checkSlashes(move, flags)
            if try isAbove(source.location, to.directory) { throw Errno.invalid }
            if let target, try isAbove(target.location, from.directory) {
                throw flags.contains(.exchange) ? Errno.invalid : .notEmpty
            }
            if flags.contains(.exchange) { try exchange(move) } else { try rename(move) }
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
        try checkRemoval(of: inode, from: move.from.directory)
        if let target = move.target {
            try checkReplaceable(target, by: inode, in: move.to)
        } else {
            try checkNewName(move.to)
        }
        try checkNewParent(of: move, inode)
        try checkMove(move)
        if let target = move.target, inode.isDirectory { try checkEmpty(target) }
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

    /// Only directories have names that end with slashes.
    private func checkSlashes(_ move: Move, _ flags: RenameFlags) throws {
        let isExchange = flags.contains(.exchange)
        if isExchange, move.to.isDirectoryWanted, let target = move.target, try !item(target.location).isDirectory {
            throw Errno.notDirectory
        }
        if move.from.isDirectoryWanted || (move.to.isDirectoryWanted && !isExchange),
            try !item(move.source.location).isDirectory
        {
            throw Errno.notDirectory
        }
    }

    // In the order of Linux, which tells the first thing that is wrong: may the names go, fit the two together, may the
    // file move there. The corresponding kernel functions are `vfs_rename` and, from `checkMove` on, `btrfs_rename`.

    private func checkReplaceable(_ target: Found, by inode: InodeItem, in end: PathEnd) throws {
        let replaced = try item(target.location)
        try checkRemoval(of: replaced, from: end.directory)
        if inode.isDirectory, !replaced.isDirectory { throw Errno.notDirectory }
        if !inode.isDirectory, replaced.isDirectory { throw Errno.isDirectory }
    }

    private func checkEmpty(_ target: Found) throws {
        // What is in the place of a subvolume has to be deleted as one.
        guard try item(target.location).size == 0, !target.entry.isSubvolume else { throw Errno.notEmpty }
    }

    /// A directory in another one has another `..`.
    private func checkNewParent(of move: Move, _ inode: InodeItem) throws {
        if inode.isDirectory, !move.isWithinDirectory { try checkWritable(move.source.location.subvolume) }
    }

    /// - Throws: what makes moving a file impossible.
    private func checkMove(_ move: Move) throws {
        let subvolume = move.to.directory.subvolume
        guard move.source.entry.isSubvolume || move.from.directory.subvolume == subvolume else {
            throw Errno.crossDevice
        }
        guard try move.source.entry.isSubvolume
            || namespace(of: subvolume).hasRoom(
                forReferenceFrom: move.source.location.inode, to: move.to.directory.inode, name: move.to.name.rawSpan)
        else { throw Errno.tooManyLinks }
    }

    /// Whether a file is `directory` or a directory above it.
    private func isAbove(_ ancestor: FileLocation, _ directory: FileLocation) throws -> Bool {
        guard try item(ancestor).isDirectory else { return false }
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
        try checkRemoval(of: first, from: move.from.directory)
        try checkRemoval(of: second, from: move.to.directory)
        try checkNewParent(of: move, first)
        try checkNewParent(of: back, second)
        let isWithinSubvolume = move.from.directory.subvolume == move.to.directory.subvolume
        guard isWithinSubvolume || (move.source.entry.isSubvolume && target.entry.isSubvolume) else {
            throw Errno.crossDevice
        }
        try checkMove(move)
        try checkMove(back)
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
            try inodeState(found.location), oldDirectory: try inodeState(move.from.directory), replaced: replaced)
    }
}
