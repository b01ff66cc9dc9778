internal import BtrfsFormat
internal import BtrfsVolume

// Files: which one is being replayed, and the checksums of its extents.

extension ReplayContext {
    /// Makes `inode` the file whose extents are replayed.
    ///
    /// - Throws: `missingInode` when the subvolume has no such inode.
    mutating func selectFile(_ inode: ObjectID) throws(LogError) {
        if file.inode == inode { return }
        try settleByteCount()
        let traits = try traits(of: inode)
        guard traits.type == .regularFile || traits.type == .symlink else {
            throw failure(.damaged("an extent of inode \(inode), which is neither a file nor a symbolic link"))
        }
        file = FileMemory(inode: inode)
        file.hasChecksums = !traits.flags.contains(.noDataChecksum)
        do {
            if try cursor.seekLast(through: Key(inode, .extentData, .max)) {
                let key = cursor.key
                if key.objectID == inode, key.type == .extentData {
                    let extent = try FileExtent(cursor.data)
                    let count = extent.fileByteCount
                    let (end, overflow) = key.offset.addingReportingOverflow(count)
                    file.end = overflow ? .max : end
                }
            }
        } catch { throw failure(from: error) }
    }

    /// Stores the checksums that were kept back to be stored together.
    mutating func storeChecksums() throws(LogError) {
        do { try pendingSums.store(in: transaction) } catch { throw failure(from: error) }
    }

    /// Writes the file's count of bytes, which is kept back while its extents are replayed.
    mutating func settleByteCount() throws(LogError) {
        let delta = file.byteCountDelta
        guard delta != 0 else { return }
        file.byteCountDelta = 0
        do {
            try names.addToInode(file.inode, nbytes: UInt64(bitPattern: delta))
        } catch { throw failure(from: error) }
    }

    /// The bytes of the first extent item of a file that meets a range; nil when there is none.
    func firstExtent(
        of inode: ObjectID, from start: UInt64, to end: UInt64
    ) throws(LogError) -> [UInt8]? {
        do {
            let hasBefore = try cursor.seekLast(through: Key(inode, .extentData, start))
            if !hasBefore { _ = try cursor.seek(Key(inode, .extentData, start)) }
            while cursor.isValid {
                let key = cursor.key
                if key.objectID == inode, key.type == .extentData {
                    guard key.offset < end else { return nil }
                    let extent = try FileExtent(cursor.data)
                    let count = extent.fileByteCount
                    if key.offset &+ count > start { return cursor.data.copied }
                } else if key > Key(inode, .extentData, start) {
                    return nil
                }
                guard try cursor.next() else { return nil }
            }
            return nil
        } catch { throw failure(from: error) }
    }

    /// Copies the checksums that the log has for an extent into the checksum tree, in place of any there.
    ///
    /// Others in the log are left over from earlier fsyncs and are not copied. The corresponding kernel functions
    /// are `btrfs_lookup_csums_list`, `btrfs_del_csums` and `btrfs_csum_file_blocks`.
    ///
    /// - Returns: for how many bytes on disk there were none.
    mutating func copyChecksums(of extent: FileExtent) throws(LogError) -> UInt64 {
        guard let range = extent.checksummedRange else {
            throw failure(.damaged("the extent ends beyond the address space"))
        }
        do {
            let copied = try copyChecksums(from: range.lowerBound, to: range.upperBound)
            return range.upperBound - range.lowerBound - copied
        } catch { throw failure(from: error) }
    }

    private mutating func copyChecksums(from start: UInt64, to end: UInt64) throws(VolumeError) -> UInt64 {
        let cursor = checksumCursor
        let size = UInt64(volume.checksumType.size)
        guard try seekChecksums(start) else { return 0 }
        var copied: UInt64 = 0
        while cursor.isValid {
            let key = cursor.key
            let itemStart = key.offset
            guard key.objectID == .extentChecksum, key.type == .extentChecksum, itemStart < end else { break }
            let data = cursor.data
            let itemEnd = itemStart &+ UInt64(data.byteCount) / size * sectorSize
            let from = max(start, itemStart)
            let to = min(end, itemEnd)
            if from < to {
                let first = Int((from - itemStart) / sectorSize * size)
                let count = Int((to - from) / sectorSize * size)
                if count > 0 {
                    let sums = data.extracting(first..<first + count)
                    try pendingSums.add(sums, from: from, to: to, in: transaction)
                }
                copied += to - from
            }
            // The next extent may go on in this item.
            if itemEnd >= end { break }
            guard try cursor.next() else { break }
        }
        return copied
    }

    /// Moves the checksum cursor to the log's first checksum item that may reach beyond `start`. Extents mostly
    /// come in the order of their addresses, so that is often where the cursor stands, or the item after it.
    private func seekChecksums(_ start: UInt64) throws(VolumeError) -> Bool {
        let cursor = checksumCursor
        let size = UInt64(volume.checksumType.size)
        // Here, or in the next item.
        for step in 0...1 {
            if step == 1 { _ = try cursor.next() }
            guard cursor.isValid else { break }
            let key = cursor.key
            guard key.objectID == .extentChecksum, key.offset <= start else { break }
            if start < key.offset &+ UInt64(cursor.data.byteCount) / size * sectorSize { return true }
        }
        let key = Key(.extentChecksum, .extentChecksum, start)
        if try cursor.seekLast(through: key), cursor.key.objectID == .extentChecksum { return true }
        _ = try cursor.seek(key)
        return cursor.isValid
    }
}
