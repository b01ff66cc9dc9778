internal import BtrfsFormat
internal import BtrfsVolume

extension FileSystem {
    /// Lets a range of a file have the same content as a range of another, in the same space on disk.
    ///
    /// - Parameters:
    ///   - range: of the source; nil for all of it. It starts at a sector, and ends at one or with the source.
    ///   - offset: where in the target, a multiple of the sector size.
    /// - Throws: EINVAL for other offsets, for ranges of one file that overlap, and where only one of the files has
    ///   checksums; EISDIR, EFBIG, ENOSPC.
    public func clone(
        from source: some FilePath, range: Range<UInt64>? = nil, to target: some FilePath, at offset: UInt64 = 0
    ) throws(FileSystemError) {
        try changing("clone", target) { target in
            let (from, to) = (try find(source.pathBytes), try find(target))
            let (fromItem, toItem) = (try item(from), try item(to))
            // Linux opens the target to write to it before it looks at the source.
            if toItem.isRegularFile { try checkContentChange(to, toItem) }
            guard !fromItem.isDirectory else { throw Errno.isDirectory }
            try checkContentChange(to, toItem)
            let range = range ?? 0..<fromItem.size
            guard fromItem.isRegularFile, range.upperBound <= fromItem.size else { throw Errno.invalid }
            let (sourceOffset, count) = (range.lowerBound, range.upperBound - range.lowerBound)
            guard offset <= Self.maximumFileByteCount, count <= Self.maximumFileByteCount - offset else {
                throw Errno.fileTooLarge
            }
            let end = sourceOffset + count
            guard sourceOffset % sectorSize == 0, offset % sectorSize == 0 else { throw Errno.invalid }
            // A part of a sector can only be the end of the file that gets it.
            guard count % sectorSize == 0 || (end == fromItem.size && offset + count >= toItem.size) else {
                throw Errno.invalid
            }
            let checksumFlags = fromItem.flags.symmetricDifference(toItem.flags)
            guard !checksumFlags.contains(.noDataChecksum) else { throw Errno.invalid }
            if from == to, sourceOffset < offset + count, offset < end { throw Errno.invalid }
            guard count > 0 else { return }
            let pieces = try self.pieces(of: from, sourceOffset..<sectorEnd(end))
            let targetRange = offset..<offset + count
            if let inline = pieces.inline {
                try write(inline, to: to, at: offset, isClone: true)
            } else {
                try clone(pieces.extents, distance: offset &- sourceOffset, to: to, toItem, targetRange)
            }
            try inodeState(from).lastReflinkTransid = transaction.generation
        }
    }

    /// The extents of a part of a file, cut to it; or its content where it lies in the tree.
    private func pieces(
        of location: FileLocation, _ range: Range<UInt64>
    ) throws -> (extents: [(offset: UInt64, extent: FileExtent)], inline: [UInt8]?) {
        var result: [(offset: UInt64, extent: FileExtent)] = []
        var extents = try namespace(of: location.subvolume).extents(of: location.inode)
        try extents.skip(to: range.lowerBound)
        while let element = try extents.next(), element.start < range.upperBound {
            if element.extent.isInline {
                return ([], try content(of: location, at: 0, count: range.upperBound))
            }
            let part = (element.start..<element.end).clamped(to: range)
            guard !part.isEmpty, !element.extent.isHole else { continue }
            var extent = element.extent
            extent.offset &+= part.lowerBound - element.start
            extent.byteCount = part.upperBound - part.lowerBound
            result.append((part.lowerBound, extent))
        }
        return (result, nil)
    }

    /// The corresponding kernel function is `btrfs_clone`.
    private func clone(
        _ pieces: [(offset: UInt64, extent: FileExtent)], distance: UInt64, to location: FileLocation,
        _ inode: InodeItem, _ range: Range<UInt64>
    ) throws {
        let size = max(inode.size, range.upperBound)
        let last = range.lowerBound > inode.size ? try lastSector(of: location, size: inode.size) : []
        var plan = try self.plan(last, of: location, inode, size: size)
        plan.blocks += blockCount(ofItems: pieces.count) + 16
        plan.references += pieces.count
        try countExtents(in: range, of: location, &plan)
        let namespace = try self.namespace(of: location.subvolume)
        try applying(plan) {
            let now = self.now()
            try dropCapabilities(location)
            var delta = try write(plan, to: location, inode)
            delta -= Int64(try namespace.dropExtents(
                of: location.inode, from: range.lowerBound, to: sectorEnd(range.upperBound)))
            for piece in pieces {
                try namespace.insertShared(piece.extent, of: location.inode, at: piece.offset &+ distance)
                newlyShared.insert(piece.extent.diskAddress)
                delta += Int64(piece.extent.byteCount)
            }
            if hasExplicitHoles { try namespace.fillHoles(of: location.inode, in: 0..<sectorEnd(size)) }
            let state = try inodeState(location)
            state.modifiedExtents.insert(range.lowerBound..<sectorEnd(range.upperBound))
            state.lastReflinkTransid = transaction.generation
            let hasPreallocated = pieces.contains { $0.extent.kind == .preallocated }
            try updateContent(
                of: location, size: size, addedBytes: delta, hasPreallocated: hasPreallocated, now)
        }
    }
}
