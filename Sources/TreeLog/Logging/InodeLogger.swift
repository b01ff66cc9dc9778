internal import BtrfsFormat
internal import BtrfsVolume

/// How much of an inode is logged.
enum LogMode: Comparable {
    /// That it exists: its attributes and names, so that names and files can refer to it. The corresponding kernel
    /// constant is `LOG_INODE_EXISTS`.
    case exists
    /// All that changed. The corresponding kernel constant is `LOG_INODE_ALL`.
    case all
}

/// Copies inodes of one subvolume into its log, with all other inodes without which a replay would go wrong.
///
/// Logging one inode finds others: new directories that its names are in, files that had its names before, files that a
/// directory has new names for. They wait in a queue, so that chains of them need no recursion.
///
/// The corresponding kernel functions are `btrfs_log_inode_parent` and `btrfs_log_inode`.
final class InodeLogger {
    let fileSystem: FileSystem
    let subvolume: ObjectID
    /// The subvolume as it is.
    let current: Namespace
    /// The subvolume as of the last commit, into which the log would be replayed.
    let committed: Namespace
    let log: Tree
    let transid: Generation
    private var queue: [(inode: ObjectID, mode: LogMode)] = []
    private var done: [ObjectID: LogMode] = [:]
    /// How many inodes are logged because a name of theirs went to another one.
    var conflictCount = 0

    init(_ fileSystem: FileSystem, subvolume: ObjectID, current: Namespace, committed: Namespace, log: Tree) {
        self.fileSystem = fileSystem
        self.subvolume = subvolume
        self.current = current
        self.committed = committed
        self.log = log
        transid = fileSystem.transaction.generation
    }

    /// Logs an inode, and what has to go with it.
    func log(_ inode: ObjectID, _ mode: LogMode) throws {
        enqueue(inode, mode)
        conflictCount = 0
        while let (inode, mode) = queue.popLast() {
            if let finished = done[inode], finished >= mode { continue }
            done[inode] = mode
            try logInode(inode, mode)
        }
    }

    /// Has `inode` logged as well, unless that was done.
    func enqueue(_ inode: ObjectID, _ mode: LogMode) { queue.append((inode, mode)) }

    func state(_ inode: ObjectID) throws -> InodeState {
        try fileSystem.inodeState(FileLocation(subvolume: subvolume, inode: inode))
    }

    // MARK: One inode

    private func logInode(_ inode: ObjectID, _ mode: LogMode) throws {
        guard let item = try current.inode(inode), item.nlink > 0 else {
            // Without a name there is nothing to come back to. What was logged of it stays: where the loss of the last
            // name is not in the log, the file comes back with it.
            return try removeNames(of: inode)
        }
        try FileSystem.check(item, of: inode)
        if item.flags.contains(.verity), try committed.inode(inode)?.flags.contains(.verity) != true {
            throw FullCommitReason.enabledVerity
        }
        let state = try state(inode)
        if item.isDirectory, mode == .all, state.lastUnlinkTransid == transid { throw FullCommitReason.movedFile }
        let isLogged = state.loggedTransid == transid
        // The text of a symbolic link belongs to it like its name.
        let mode = item.isSymlink ? .all : mode
        let isFast = mode == .all && isLogged && !state.copyEverything
        try logItem(item, of: inode, mode, isLogged: isLogged)
        if !isFast {
            try logNames(of: inode, state)
            try copyAll(.xattrItem, of: inode)
            try logCustomItems(of: inode, state)
        }
        state.loggedTransid = transid
        guard mode == .all else { return }
        if item.isDirectory {
            try logDirectory(inode, state)
        } else {
            try logExtents(of: inode, item, state)
        }
        state.noteLogged(in: fileSystem.log.logTransid)
    }

    /// Puts the inode item.
    ///
    /// In mode `exists` generation 0 says that only this is logged: a replay then leaves a committed inode as it is
    /// but for the size, and that is the one that content in the tree or in the log goes with. What was logged before
    /// with all its content keeps its generation and the size of that content.
    private func logItem(_ item: InodeItem, of inode: ObjectID, _ mode: LogMode, isLogged: Bool) throws {
        var logged = item
        if mode == .exists {
            if isLogged, let before = try loggedItem(of: inode) {
                logged.generation = before.generation
                logged.size = before.size
            } else {
                logged.generation = 0
                logged.size = min(item.size, try committed.inode(inode)?.size ?? 0)
            }
        }
        let bytes = logged.encoded
        try log.put(Key(inode, .inodeItem, 0), bytes.rawSpan)
    }

    private func loggedItem(of inode: ObjectID) throws -> InodeItem? {
        let log = log
        guard let data = try log.find(Key(inode, .inodeItem, 0)) else { return nil }
        return try InodeItem(data)
    }

    // MARK: Items

    /// Makes the log have the same items of a type as the subvolume.
    func copyAll(_ type: KeyType, of inode: ObjectID) throws {
        let wanted = try keys(of: inode, type, in: current.tree)
        let present = try keys(of: inode, type, in: log)
        for key in Set(present).subtracting(wanted) { try log.remove(key) }
        for key in wanted { try copy(key) }
    }

    /// Copies an item into the log.
    ///
    /// - Throws: `FullCommitReason.itemTooLarge` where Linux could not replay it: it makes the committed item as much
    ///   longer as the logged one is, and looks for that room in a wrong way.
    func copy(_ key: Key) throws {
        let tree = current.tree
        let log = log
        guard let data = try tree.find(key) else { return }
        if let old = try log.find(key), old.hasSameBytes(as: data) { return }
        let before = committed.tree
        let committedSize = try before.find(key)?.byteCount ?? 0
        let room = LeafView.maximumItemByteCount(nodeSize: log.nodeSize)
        if key.type <= .xattrItem, committedSize > 0, data.byteCount > committedSize,
            committedSize + data.byteCount > room
        {
            throw FullCommitReason.itemTooLarge
        }
        try log.put(key, data)
    }

    /// The keys of all items of a type that an inode has in a tree.
    func keys(of inode: ObjectID, _ type: KeyType, in tree: Tree) throws -> [Key] {
        var keys: [Key] = []
        let cursor = tree.makeCursor()
        try cursor.seek(Key(inode, type, 0))
        while cursor.isValid, cursor.key.objectID == inode, cursor.key.type == type {
            keys.append(cursor.key)
            guard try cursor.next() else { break }
        }
        return keys
    }

    /// Copies the items of types that plugins define, each by the rule of its type. A log cannot tell that one is gone.
    private func logCustomItems(of inode: ObjectID, _ state: InodeState) throws {
        let itemTypes = fileSystem.options.registry.itemTypes
        guard state.changedItems.allSatisfy({ itemTypes[$0.type] != nil }) else {
            throw FullCommitReason.unknownItemType
        }
        for type in itemTypes.custom {
            switch type.logging {
            case .never: continue
            case .withInode: try copyAll(type.keyType, of: inode)
            case .ifChanged: break
            }
            for key in state.changedItems where key.type == type.keyType {
                if try current.tree.contains(key) {
                    try copy(key)
                } else {
                    try log.remove(key)
                    if try committed.tree.contains(key) { throw FullCommitReason.deletedItem }
                }
            }
        }
    }
}
