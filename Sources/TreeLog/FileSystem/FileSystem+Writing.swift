internal import BtrfsFormat
public import BtrfsVolume

extension FileSystem {
    /// Writes bytes to a file, which grows when they reach over its end. A gap before them reads as zeros.
    ///
    /// - Throws: EISDIR, EINVAL for what is no regular file, EFBIG, ENOSPC, EROFS.
    public func write(_ path: some FilePath, at offset: UInt64, _ bytes: [UInt8]) throws(FileSystemError) {
        try changing("write", path) { path in try write(bytes, to: find(path), at: offset) }
    }

    /// Writes bytes to a file.
    public func write(_ location: FileLocation, at offset: UInt64, _ bytes: [UInt8]) throws(FileSystemError) {
        try changing("write", location) { try write(bytes, to: location, at: offset) }
    }

    /// Writes bytes to the end of a file.
    public func append(_ path: some FilePath, _ bytes: [UInt8]) throws(FileSystemError) {
        try changing("write", path) { path in
            let location = try find(path)
            try write(bytes, to: location, at: item(location).size)
        }
    }

    /// - Parameter isClone: whether the bytes are those of an extent in the tree that is cloned.
    func write(_ bytes: [UInt8], to location: FileLocation, at offset: UInt64, isClone: Bool = false) throws {
        let inode = try item(location)
        try checkContentChange(location, inode)
        guard !inode.flags.contains(.appendOnly) || offset == inode.size || isClone else { throw Errno.notPermitted }
        guard offset <= Self.maximumFileByteCount, UInt64(bytes.count) <= Self.maximumFileByteCount - offset else {
            throw Errno.fileTooLarge
        }
        guard !bytes.isEmpty else { return }
        let end = offset + UInt64(bytes.count)
        let size = max(inode.size, end)
        var segments = try self.segments(of: bytes, at: offset, in: location, size: inode.size)
        if offset > inode.size, let last = try lastSector(of: location, size: inode.size).first,
            let first = segments.first, last.offset < first.offset
        {
            if last.range.upperBound == first.offset {
                segments[0] = DataSegment(offset: last.offset, bytes: last.bytes + first.bytes)
            } else {
                segments.insert(last, at: 0)
            }
        }
        let plan = try self.plan(segments, of: location, inode, size: size)
        try applying(plan) {
            let now = self.now()
            try dropCapabilities(location)
            let delta = try write(plan, to: location, inode)
            if hasExplicitHoles, plan.inline == nil { try fillHoles(of: location, from: inode.size, to: end) }
            try updateContent(of: location, size: size, addedBytes: delta, now)
        }
    }

    /// Makes the changes of a plan; its places are free again when there is no room for the blocks of trees.
    func applying(_ plan: DataPlan, _ body: () throws -> Void) throws {
        do { try change(blocks: plan.blocks, references: plan.references, body) } catch {
            if !isAborted { giveBack(plan) }
            throw error
        }
    }

    /// The sectors that a write changes, filled up with what the file has around it.
    private func segments(
        of bytes: [UInt8], at offset: UInt64, in location: FileLocation, size: UInt64
    ) throws -> [DataSegment] {
        let end = offset + UInt64(bytes.count)
        let range = sectorStart(offset)..<sectorEnd(end)
        var content = try self.content(of: location, at: range.lowerBound, count: offset - range.lowerBound)
        content += [UInt8](repeating: 0, count: Int(offset - range.lowerBound) - content.count)
        content += bytes
        content += try self.content(of: location, at: end, count: range.upperBound - end)
        content += [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound) - content.count)
        return [DataSegment(offset: range.lowerBound, bytes: content)]
    }

    /// Puts explicit holes where a growing file has nothing.
    private func fillHoles(of location: FileLocation, from size: UInt64, to end: UInt64) throws {
        let range = sectorEnd(size)..<max(sectorEnd(size), sectorEnd(end))
        try namespace(of: location.subvolume).fillHoles(of: location.inode, in: range)
    }

    // MARK: Size

    /// Sets the size of a file. What it gains reads as zeros.
    ///
    /// - Throws: EISDIR, EINVAL, EFBIG, ENOSPC, EROFS.
    public func truncate(_ path: some FilePath, to size: UInt64) throws(FileSystemError) {
        try changing("truncate", path) { path in
            let location = try find(path)
            let inode = try item(location)
            try checkContentChange(location, inode)
            guard !inode.flags.contains(.appendOnly) else { throw Errno.notPermitted }
            guard size <= Self.maximumFileByteCount else { throw Errno.fileTooLarge }
            if size > inode.size { try grow(location, inode, to: size) } else { try cut(location, inode, to: size) }
        }
    }

    /// The corresponding kernel function is `btrfs_cont_expand`.
    private func grow(_ location: FileLocation, _ inode: InodeItem, to size: UInt64) throws {
        let plan = try self.plan(lastSector(of: location, size: inode.size), of: location, inode, size: size)
        try applying(plan) {
            let now = self.now()
            try dropCapabilities(location)
            let delta = try write(plan, to: location, inode)
            if hasExplicitHoles, plan.inline == nil { try fillHoles(of: location, from: inode.size, to: size) }
            try updateContent(of: location, size: size, addedBytes: delta, now)
        }
    }

    /// The corresponding kernel function is `btrfs_truncate`.
    private func cut(_ location: FileLocation, _ inode: InodeItem, to size: UInt64) throws {
        try dropTail(of: location, behind: sectorEnd(size))
        let namespace = try self.namespace(of: location.subvolume)
        let isInline = try namespace.fileExtent(of: location.inode, at: 0)?.isInline == true
        let kept = isInline && size < sectorSize ? try content(of: location, at: 0, count: size) : []
        try change(blocks: Self.namesReserve, makesRoom: true) {
            let now = self.now()
            try dropCapabilities(location)
            let dropped: UInt64
            if isInline, size < inode.size {
                dropped = try namespace.dropExtents(of: location.inode, from: 0, to: .max) - UInt64(kept.count)
                if !kept.isEmpty { try namespace.insertInline(kept.rawSpan, of: location.inode) }
                try inodeState(location).modifiedExtents.insert(0..<sectorSize)
            } else {
                dropped = try namespace.dropExtents(of: location.inode, from: sectorEnd(size), to: .max)
            }
            try update(location) { item in
                item.nbytes = item.nbytes &- dropped
                guard size != item.size else { return }
                item.size = size
                item.sequence &+= 1
                item.mtime = now
                item.ctime = now
            }
        }
    }
}
