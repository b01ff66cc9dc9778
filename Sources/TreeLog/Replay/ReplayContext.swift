public import BtrfsFormat
public import BtrfsVolume

/// What a handler works with: the log, the subvolume as it is after all that was replayed so far, and the edits
/// and decisions that the rules of replay are made of.
///
/// There is one for each subvolume that has a log, for the whole replay. Spans from `tree`, `logged` and cursors
/// are valid until the tree they came from changes; logs never change.
public struct ReplayContext: ~Copyable {
    /// The volume that is replayed.
    public let volume: Volume
    /// Where all changes go.
    public let transaction: Transaction
    /// The subvolume of the log.
    public let subvolume: ObjectID
    /// The log of the subvolume.
    public let logged: Tree
    /// The tree of the subvolume with what has been replayed so far. Change it through the context, which keeps
    /// track of what it knows. By how much directories grow gets there after all names; `inode` and `committedBytes`
    /// tell of it at once.
    public let tree: Tree
    /// The same as files and names.
    public let names: Namespace
    /// The change time for inodes that lose a name.
    public let now: Timestamp
    /// Where the walk stands: the item that is being replayed.
    public internal(set) var place: LogPlace
    /// What has been done; handlers add to it.
    public var report: SubvolumeReport

    /// The names that the log has.
    let loggedNames: Namespace
    let policy: ResolvedPolicy
    let itemTypes: ItemTypes
    var leftOut: LeftOut
    let sectorSize: UInt64
    let hasHoleItems: Bool
    let hasExtendedReferences: Bool

    // Cursors are made once.
    let cursor: TreeCursor
    let logCursor: TreeCursor
    let checksumCursor: TreeCursor
    let paths: NamePathFinder

    var fixUps = FixUpList()
    var directories = DirectoryMemory()
    var growth = DirectoryGrowth()
    var file = FileMemory()
    var pendingSums = PendingChecksums()
    /// The highest index of any name in the log, once it was looked for: the log does not change.
    var highestLoggedIndex: UInt64?
    /// An inode that is known to exist.
    private var lastInode = ObjectID(0)
    private var lastTraits = InodeTraits(inode: ObjectID(0))
    private var extrefState: (inode: ObjectID, hasAny: Bool) = (ObjectID(0), false)

    init(
        log: LogTree, subvolume: ObjectID, tree: Tree, transaction: Transaction, setup: ReplaySetup,
        leftOut: LeftOut
    ) {
        self.transaction = transaction
        self.subvolume = subvolume
        self.tree = tree
        self.leftOut = leftOut
        volume = transaction.volume
        logged = log.tree
        names = Namespace(tree, in: transaction)
        loggedNames = Namespace(log.tree)
        now = setup.options.now
        place = LogPlace(subvolume: subvolume)
        report = SubvolumeReport(subvolume: subvolume, leftOut: leftOut.things)
        policy = setup.policy
        itemTypes = setup.registry.itemTypes
        sectorSize = UInt64(volume.sectorSize)
        hasHoleItems = !volume.superblock.incompat.contains(.noHoles)
        hasExtendedReferences = volume.superblock.incompat.contains(.extendedReferences)
        cursor = tree.makeCursor()
        logCursor = log.tree.makeCursor()
        checksumCursor = log.tree.makeCursor()
        paths = NamePathFinder(names)
    }

    // MARK: Errors

    /// An error at the place where the walk stands.
    @inline(never)
    public func failure(_ cause: LogError.Cause, note: String? = nil) -> LogError {
        LogError(cause, at: place, note: note)
    }

    /// What a call inside threw, at the place where the walk stands; a `LogError` keeps the place that it has.
    @inline(never)
    public func failure(from error: any Error) -> LogError { LogError(from: error, at: place) }

    // MARK: Looking things up

    /// Whether the subvolume has the inode.
    ///
    /// - Complexity: O(1) for the inode asked for last, otherwise O(log *n*).
    @inline(__always)
    public mutating func inodeExists(_ inode: ObjectID) throws(LogError) -> Bool {
        if inode == lastInode { return true }
        return try lookUpInode(inode)
    }

    private mutating func lookUpInode(_ inode: ObjectID) throws(LogError) -> Bool {
        do {
            guard try tree.contains(Key(inode, .inodeItem, 0)) else { return false }
        } catch { throw failure(from: error) }
        lastInode = inode
        return true
    }

    /// Notes that an inode item was put.
    mutating func noteInode(_ inode: ObjectID) {
        lastInode = inode
        lastTraits = InodeTraits(inode: ObjectID(0))
    }

    /// What kind of inode this is.
    ///
    /// - Throws: `missingInode` when the subvolume has no such inode.
    /// - Complexity: O(1) for the inode asked for last, otherwise O(log *n*).
    mutating func traits(of inode: ObjectID) throws(LogError) -> InodeTraits {
        if lastTraits.inode == inode { return lastTraits }
        let tree = tree
        var traits = InodeTraits(inode: inode)
        do {
            guard let item = try tree.find(Key(inode, .inodeItem, 0)) else { throw failure(.missingInode(inode)) }
            traits.type = DirEntryType(mode: try InodeItem.mode(in: item))
            traits.flags = try InodeItem.flags(in: item)
        } catch let error as VolumeError {
            throw failure(from: error)
        } catch let error as FormatError {
            throw failure(from: error)
        } catch let error as LogError {
            throw error
        } catch { throw failure(.plugin("\(error)")) }
        lastTraits = traits
        return traits
    }

    /// The inode item of the subvolume; nil where there is none.
    public func inode(_ inode: ObjectID) throws(LogError) -> InodeItem? {
        do {
            guard var item = try names.inode(inode) else { return nil }
            growth.add(to: &item, of: inode, in: transaction.generation)
            return item
        } catch { throw failure(from: error) }
    }

    /// What is known of a directory; nil when the subvolume has no inode of this number.
    ///
    /// - Throws: `LogError` when the inode is no directory.
    /// - Complexity: O(1) for directories used lately, otherwise O(log *n*).
    @inline(__always)
    public mutating func directory(_ inode: ObjectID) throws(LogError) -> DirectoryState? {
        if let state = directories.state(of: inode) { return state }
        return try lookUpDirectory(inode)
    }

    private mutating func lookUpDirectory(_ inode: ObjectID) throws(LogError) -> DirectoryState? {
        var state = DirectoryState(inode: inode, highestIndex: 0, mayHaveNames: false)
        guard let item = try self.inode(inode) else { return nil }
        guard item.isDirectory else {
            throw failure(.damaged("a name in inode \(inode), which is no directory"))
        }
        do {
            if try cursor.seekLast(through: Key(inode, .dirIndex, .max)) {
                let key = cursor.key
                if key.objectID == inode, key.type == .dirIndex {
                    state.highestIndex = key.offset
                    state.mayHaveNames = true
                } else if key.objectID == inode, key.type == .dirItem {
                    state.mayHaveNames = true
                }
            }
        } catch { throw failure(from: error) }
        directories.note(state)
        return state
    }

    /// Whether the subvolume has INODE_EXTREF items of the inode.
    mutating func hasExtrefs(_ inode: ObjectID) throws(LogError) -> Bool {
        guard hasExtendedReferences else { return false }
        if extrefState.inode == inode { return extrefState.hasAny }
        do {
            _ = try cursor.seek(Key(inode, .inodeExtref, 0))
        } catch { throw failure(from: error) }
        let hasAny = cursor.isValid && cursor.key.objectID == inode && cursor.key.type == .inodeExtref
        extrefState = (inode, hasAny)
        return hasAny
    }

    /// A copy of an item of the subvolume as it is now; nil where there is none. `tree.find` gives it without a copy.
    public func committedBytes(_ key: Key) throws(LogError) -> [UInt8]? {
        if key.type == .inodeItem, key.offset == 0 { return try inode(key.objectID)?.encoded }
        return try bytes(of: key, in: tree)
    }

    /// A copy of an item of the log; nil where there is none.
    public func loggedBytes(_ key: Key) throws(LogError) -> [UInt8]? { try bytes(of: key, in: logged) }

    private func bytes(of key: Key, in tree: Tree) throws(LogError) -> [UInt8]? {
        do {
            if let item = try tree.find(key) { return item.copied }
            return nil
        } catch { throw failure(from: error) }
    }

    /// Whether the policy leaves the inode out of this replay. Its names then stay as they are.
    @inline(__always)
    public func isLeftOut(_ inode: ObjectID) -> Bool { !leftOut.isEmpty && leftOut.contains(inode) }
}
