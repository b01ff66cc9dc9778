internal import BtrfsFormat
internal import BtrfsVolume

// The content of files in the log.

extension InodeLogger {
    /// With more changed pieces than this a commit is cheaper. The corresponding kernel limit is that of
    /// `btrfs_log_changed_extents`.
    static let extentLimit = 32768

    /// Logs the extents that changed, and their checksums.
    ///
    /// What lies behind the end of the file is always logged: a replay removes that first. The corresponding kernel
    /// functions are `btrfs_log_changed_extents`, `btrfs_log_prealloc_extents` and `btrfs_log_holes`.
    func logExtents(of inode: ObjectID, _ item: InodeItem, _ state: InodeState) throws {
        guard item.isRegularFile || item.isSymlink else { return }
        let end = fileSystem.sectorEnd(item.size)
        var changed = state.modifiedExtents
        changed.insert(end..<FileSystem.contentEnd)
        changed = try completed(changed, of: inode)
        guard changed.ranges.count <= Self.extentLimit else { throw FullCommitReason.tooManyExtents }
        let hasReflinks = state.lastReflinkTransid == transid
        for range in changed.ranges {
            for (key, extent) in try extents(of: inode, in: log, overlapping: range) {
                try log.remove(key)
                // Else a log would get longer with each overwrite. Where extents are shared others may need them.
                if !hasReflinks { try removeChecksums(of: extent) }
            }
            var position = range.lowerBound
            for (key, extent) in try extents(of: inode, in: current.tree, overlapping: range) {
                try logHole(of: inode, from: position, to: min(key.offset, end))
                position = sectorEnd(key, extent)
                // Content from before this transaction is where it was, and stays there unless it is cut off.
                if extent.generation < transid, !hasReflinks, position <= end { continue }
                try copy(key)
                try logChecksums(of: extent)
            }
            try logHole(of: inode, from: position, to: min(range.upperBound, end))
        }
    }

    /// A gap is a hole, which has no item in the subvolume, but needs one in the log.
    private func logHole(of inode: ObjectID, from start: UInt64, to end: UInt64) throws {
        guard start < end else { return }
        let bytes = FileExtent.hole(byteCount: end - start, generation: transid).encoded
        try log.put(Key(inode, .extentData, start), bytes.rawSpan)
    }

    // MARK: Ranges

    /// The ranges, grown so that no item of the subvolume or the log reaches out of them: items of a log must not
    /// overlap, and one that was logged may be several by now, or, where preallocated space was written, a part of one.
    private func completed(_ ranges: RangeSet, of inode: ObjectID) throws -> RangeSet {
        var result = ranges
        while true {
            let before = result
            for range in before.ranges {
                for tree in [current.tree, log] {
                    for (key, extent) in try extents(of: inode, in: tree, overlapping: range) {
                        result.insert(key.offset..<sectorEnd(key, extent))
                    }
                }
            }
            if result == before { return result }
        }
    }

    private func sectorEnd(_ key: Key, _ extent: FileExtent) -> UInt64 {
        guard extent.isInline else { return key.offset + extent.byteCount }
        return fileSystem.sectorEnd(key.offset + max(extent.ramBytes, 1))
    }

    private func extents(
        of inode: ObjectID, in tree: Tree, overlapping range: Range<UInt64>
    ) throws -> [(key: Key, extent: FileExtent)] {
        var found: [(key: Key, extent: FileExtent)] = []
        let cursor = tree.makeCursor()
        let first = Key(inode, .extentData, range.lowerBound)
        if try !cursor.seekLast(through: first) || cursor.key.objectID != inode || cursor.key.type != .extentData {
            try cursor.seek(first)
        }
        while cursor.isValid, cursor.key.objectID == inode, cursor.key.type == .extentData,
            cursor.key.offset < range.upperBound
        {
            let extent = try FileExtent(cursor.data)
            if sectorEnd(cursor.key, extent) > range.lowerBound { found.append((cursor.key, extent)) }
            guard try cursor.next() else { break }
        }
        return found
    }

    // MARK: Checksums

    /// The data whose checksums the log has with an extent: of one that was written in this transaction, since those of
    /// earlier ones are committed. Of a compressed one that is all of it.
    private func loggedData(of extent: FileExtent) -> Range<UInt64>? {
        guard extent.kind == .regular, !extent.isHole, extent.generation == transid else { return nil }
        return extent.checksummedRange
    }

    private func checksums(in tree: Tree) -> ChecksumTree {
        ChecksumTree(tree: tree, sectorSize: fileSystem.sectorSize, size: fileSystem.volume.checksumType.size)
    }

    private func removeChecksums(of extent: FileExtent) throws {
        // Of a compressed extent another part of the file may need them.
        guard extent.compression == .none, let range = loggedData(of: extent) else { return }
        try checksums(in: log).delete(range)
    }

    /// Copies the checksums of an extent.
    private func logChecksums(of extent: FileExtent) throws {
        guard let range = loggedData(of: extent), let tree = try fileSystem.transaction.tree(.checksumTree) else {
            return
        }
        let (sector, size) = (fileSystem.sectorSize, fileSystem.volume.checksumType.size)
        let target = checksums(in: log)
        let cursor = tree.makeCursor()
        let first = Key(.extentChecksum, .extentChecksum, range.lowerBound)
        if try !cursor.seekLast(through: first) || cursor.key.objectID != .extentChecksum { try cursor.seek(first) }
        while cursor.isValid, cursor.key.objectID == .extentChecksum, cursor.key.offset < range.upperBound {
            let data = cursor.data
            let item = cursor.key.offset..<cursor.key.offset + UInt64(data.byteCount / size) * sector
            let part = item.clamped(to: range)
            if !part.isEmpty {
                let from = Int((part.lowerBound - item.lowerBound) / sector) * size
                let count = Int((part.upperBound - part.lowerBound) / sector) * size
                let sums = data.extracting(from..<from + count).copied
                try target.insert(part.lowerBound, sums.rawSpan)
            }
            guard try cursor.next() else { break }
        }
    }
}
