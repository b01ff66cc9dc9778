public import BtrfsFormat
public import BtrfsVolume

// The edits of which the rules of replay are made.

extension ReplayContext {
    /// Puts an item into the subvolume, new or in place of the one there.
    public mutating func put(_ key: Key, _ data: RawSpan) throws(LogError) {
        do {
            try noteChange(of: key)
            try tree.put(key, data)
        } catch { throw failure(from: error) }
    }

    /// Removes an item from the subvolume; false when there was none.
    @discardableResult
    public mutating func remove(_ key: Key) throws(LogError) -> Bool {
        do {
            try noteChange(of: key)
            return try tree.remove(key)
        } catch { throw failure(from: error) }
    }

    /// Forgets what a change of this item is going to make wrong.
    private mutating func noteChange(of key: Key) throws(VolumeError) {
        switch key.type {
        case .inodeItem:
            try growth.store(in: names)
            forgetDirectories()
            fixUps.countAll()
        case .dirIndex, .dirItem: forgetDirectories()
        case .inodeRef, .inodeExtref: fixUps.countAll()
        case .extentData: file = FileMemory()
        default: break
        }
    }

    private mutating func forgetDirectories() {
        directories.removeAll()
        noteInode(ObjectID(0))
    }

    /// Puts the logged item in place of the subvolume's, unless they are the same. Where both exist and differ,
    /// a policy may decide by a conflict of `kind`.
    ///
    /// The corresponding kernel function is `overwrite_item`.
    ///
    /// - Returns: whether the subvolume changed.
    @discardableResult
    public mutating func overwrite(
        _ item: borrowing LoggedItem, conflict kind: ConflictKind
    ) throws(LogError) -> Bool {
        let tree = tree
        do {
            if let committed = try tree.find(item.key) {
                if committed.hasSameBytes(as: item.data) { return false }
                if policy.handles(kind) || kind == .customItem {
                    return try settleOverwrite(item, committed.copied, kind)
                }
            }
            try tree.put(item.key, item.data)
        } catch { throw failure(from: error) }
        return true
    }

    private mutating func settleOverwrite(
        _ item: borrowing LoggedItem, _ committed: [UInt8], _ kind: ConflictKind
    ) throws(LogError) -> Bool {
        let inode = item.key.objectID
        let conflict = Conflict(
            kind, at: place, inode: inode, logged: ConflictSide(inode: inode, bytes: item.data.copied),
            committed: ConflictSide(inode: inode, bytes: committed),
            detail: "log and subvolume have different items \(item.key)", mainline: .takeLogged, paths: paths)
        let typeResolver = kind == .customItem ? itemTypes[item.key.type]?.resolver : nil
        switch try resolve(conflict, by: typeResolver) {
        case .takeLogged:
            try put(item.key, item.data)
            return true
        case .replace(let bytes):
            try put(item.key, bytes.rawSpan)
            return true
        case .keepCommitted, .skipItem:
            return false
        case let other:
            throw invalid(other, kind)
        }
    }

    /// Has the link count of an inode counted at the end, whatever it is until then.
    ///
    /// The corresponding kernel function is `link_to_fixup_dir`.
    public mutating func fixUp(_ inode: ObjectID) { fixUps.insert(inode) }

    /// Takes a name away from an inode and has its links counted.
    ///
    /// The corresponding kernel function is `unlink_inode_for_log_replay`.
    ///
    /// - Parameter name: must not lie in the memory of the subvolume's tree.
    /// - Throws: `missingInode` when the inode does not exist.
    public mutating func unlink(
        _ name: RawSpan, of inode: ObjectID, in directory: ObjectID
    ) throws(LogError) {
        guard try inodeExists(inode) else { throw failure(.missingInode(inode)) }
        do { try names.unlink(name, of: inode, in: directory, now: now) } catch { throw failure(from: error) }
        fixUp(inode)
        report.update(inode) { $0.removedNameCount += 1 }
    }

    /// Adds a name; link counts and times stay.
    ///
    /// The corresponding kernel function is `btrfs_add_link`.
    ///
    /// - Returns: `.added`, or why nothing changed.
    public mutating func addLink(
        _ name: RawSpan, at index: UInt64, to inode: ObjectID, type: DirEntryType, in directory: ObjectID,
        backReference: BackReferencePolicy
    ) throws(LogError) -> LinkResult {
        let result: LinkResult
        do {
            result = try names.addUncountedLink(
                name, at: index, to: inode, type: type, in: directory, backReference: backReference)
            if result == .added { try growth.noteName(in: directory, byteCount: name.byteCount, names) }
        } catch { throw failure(from: error) }
        if result == .added {
            directories.noteName(in: directory, index: index)
            report.update(inode) { $0.addedNameCount += 1 }
            if backReference == .add { fixUps.countAll() }
        }
        return result
    }

    /// Gives a committed name another index that is free, and its back reference as well.
    mutating func moveName(at index: UInt64, in directory: ObjectID) throws(LogError) {
        let free = try freeIndex(in: directory)
        do {
            guard let entry = try names.entry(at: index, in: directory) else { return }
            guard !entry.target.isSubvolume else {
                throw failure(.refused("a subvolume's name would have to get another index"))
            }
            let inode = entry.target.location.objectID
            let name = entry.name.rawSpan
            guard try names.removeReference(from: inode, to: directory, name: name) != nil else {
                throw failure(.damaged("inode \(inode) has no reference to its name in directory \(directory)"))
            }
            let added = try names.addReference(from: inode, to: directory, index: free, name: name)
            guard added == .added else { throw failure(.damaged("the reference cannot be added again")) }
            try tree.remove(Key(directory, .dirIndex, index))
            _ = try names.insertDirectoryIndex(
                name, at: free, of: entry.target.location, type: entry.target.type, in: directory)
        } catch { throw failure(from: error) }
        directories.noteName(in: directory, index: free)
    }

    /// An index above all that the directory has, in the subvolume and in the log.
    public mutating func freeIndex(in directory: ObjectID) throws(LogError) -> UInt64 {
        guard let state = try self.directory(directory) else { throw failure(.missingDirectory(directory)) }
        let highest = max(state.highestIndex, try findHighestLoggedIndex(), 1)
        guard highest < .max else {
            throw failure(.refused("directory \(directory) has no free index left"))
        }
        return highest + 1
    }

    /// The highest index of any name in the log.
    private mutating func findHighestLoggedIndex() throws(LogError) -> UInt64 {
        if let highestLoggedIndex { return highestLoggedIndex }
        var highest: UInt64 = 0
        do {
            let cursor = logged.makeCursor()
            _ = try cursor.seek(.minimum)
            while cursor.isValid {
                let key = cursor.key
                let data = cursor.data
                switch key.type {
                case .dirIndex: highest = max(highest, key.offset)
                case .inodeRef:
                    var entries = InodeRefs(data)
                    while let entry = try entries.next() { highest = max(highest, entry.index) }
                case .inodeExtref:
                    var entries = InodeExtrefs(data)
                    while let entry = try entries.next() { highest = max(highest, entry.index) }
                default: break
                }
                guard try cursor.next() else { break }
            }
        } catch { throw failure(from: error) }
        highestLoggedIndex = highest
        return highest
    }
}
