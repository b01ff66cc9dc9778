public import BtrfsFormat
public import BtrfsVolume

// Names that two inodes want, and indexes that two names want.

extension ReplayContext {
    /// Takes a name of the subvolume away from whoever has it, so that a logged inode can have it.
    ///
    /// Where another inode has it that is a conflict of kind `name`; but not when the log itself tells the names of
    /// that inode, since then it is being renamed and loses nothing. The corresponding kernel function is
    /// `drop_one_dir_entry`.
    ///
    /// - Parameters:
    ///   - index: the index that the log gives the name.
    ///   - found: what the name stands for in the subvolume.
    ///   - inode: the inode to which the log gives the name.
    /// - Returns: false when the name stays with the other inode and the logged one does not get it.
    public mutating func takeName(
        _ name: RawSpan, in directory: ObjectID, index: UInt64, from found: EntryTarget, for inode: ObjectID
    ) throws(LogError) -> Bool {
        let loser = found.location.objectID
        guard !found.isSubvolume else {
            throw failure(
                .damaged("the log gives inode \(inode) a name in directory \(directory) that a subvolume has"))
        }
        if policy.handles(.name), loser != inode {
            let isKnownToLog = try logHasNames(of: loser)
            if !isKnownToLog || isLeftOut(loser) {
                return try settleName(name, in: directory, index: index, loser: loser, for: inode)
            }
        }
        try unlink(name, of: loser, in: directory)
        if loser != inode { report.takenNameCount += 1 }
        return true
    }

    private func logHasNames(of inode: ObjectID) throws(LogError) -> Bool {
        do {
            _ = try logCursor.seek(Key(inode, .inodeRef, 0))
        } catch { throw failure(from: error) }
        guard logCursor.isValid else { return false }
        return logCursor.key.objectID == inode && logCursor.key.type <= .inodeExtref
    }

    private mutating func settleName(
        _ name: RawSpan, in directory: ObjectID, index: UInt64, loser: ObjectID, for inode: ObjectID
    ) throws(LogError) -> Bool {
        let conflict = Conflict(
            .name, at: place, inode: inode, logged: ConflictSide(inode: inode, bytes: name.copied),
            committed: ConflictSide(inode: loser, bytes: name.copied, isLeftOut: isLeftOut(loser)),
            name: name.copied, directory: directory, index: index,
            detail: "inode \(loser) has the name that the log gives inode \(inode)", mainline: .takeLogged,
            paths: paths)
        switch try resolve(conflict) {
        case .takeLogged:
            try unlink(name, of: loser, in: directory)
            report.takenNameCount += 1
            return true
        case .keepBoth(let other):
            try rename(name, of: loser, in: directory, to: other)
            return true
        case .keepCommitted, .skipItem:
            report.skip(.name(name.copied, directory: directory, inode: inode), conflict.detail, at: place)
            return false
        case let answer: throw invalid(answer, .name)
        }
    }

    /// Gives an inode another name in the same directory, under a free index.
    private mutating func rename(
        _ name: RawSpan, of inode: ObjectID, in directory: ObjectID, to other: [UInt8]
    ) throws(LogError) {
        let isValidName = !other.contains(0) && !other.contains(UInt8(ascii: "/")) && other != Array(".".utf8)
            && other != Array("..".utf8)
        guard isValidName, let item = try self.inode(inode) else {
            throw isValidName ? failure(.missingInode(inode)) : invalid(.keepBoth(name: other), .name)
        }
        let free = try freeIndex(in: directory)
        try unlink(name, of: inode, in: directory)
        let result = try addLink(
            other.rawSpan, at: free, to: inode, type: item.fileType, in: directory, backReference: .add)
        guard result == .added else {
            throw failure(
                .invalidResolution(
                    resolver: policy.resolverName(for: .name), kind: .name,
                    resolution: .keepBoth(name: other)),
                note: "the directory has that name already")
        }
        report.noteRename(inode, to: other)
    }

    /// Decides what happens to a logged name whose index another name has.
    ///
    /// - Returns: the index under which the name is to be added; nil when it is not to be.
    public mutating func settleIndex(
        _ index: UInt64, _ name: RawSpan, in directory: ObjectID, of inode: ObjectID
    ) throws(LogError) -> UInt64? {
        guard policy.handles(.index) else {
            throw failure(.indexTaken(directory: directory, index: index))
        }
        let conflict = Conflict(
            .index, at: place, inode: inode, name: name.copied, directory: directory, index: index,
            detail: "directory \(directory) has another name at index \(index)",
            mainline: .abort(reason: "Linux cannot replay this"), paths: paths)
        switch try resolve(conflict) {
        case .takeLogged:
            try moveName(at: index, in: directory)
            return index
        case .keepCommitted:
            return try freeIndex(in: directory)
        case .skipItem:
            report.skip(.name(name.copied, directory: directory, inode: inode), conflict.detail, at: place)
            return nil
        case let answer: throw invalid(answer, .index)
        }
    }
}
