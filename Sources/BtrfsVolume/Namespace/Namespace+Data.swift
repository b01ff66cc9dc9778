public import BtrfsFormat

// Extents that come into files. Where data lies is the caller's to find; what was in the file there before has to be
// dropped first, except where it says otherwise.

extension Namespace {
    /// Puts new extents into a file, one after the other from `offset` on, and records them as in use.
    ///
    /// - Parameter places: where they lie; the sectors of each are all the file's.
    /// - Parameter kind: `.regular` for data that is written, `.preallocated` for space that reads as zeros.
    /// - Throws: `VolumeError.keyExists` when something is in the file there.
    public func insertExtents(
        _ places: [Range<UInt64>], kind: FileExtent.Kind, of inode: ObjectID, at offset: UInt64
    ) throws(VolumeError) {
        var offset = offset
        for place in places {
            let count = place.upperBound - place.lowerBound
            let start = LogicalAddress(place.lowerBound)
            let extent = FileExtent(
                generation: writer.generation, kind: kind, ramBytes: count, diskAddress: start, diskByteCount: count,
                offset: 0, byteCount: count)
            let item = extent.encoded
            try insertExtent(item.rawSpan, of: inode, at: offset)
            try writer.allocateDataExtent(
                at: start, count: count, reference: DataReference(root: tree.id, inode: inode, offset: offset))
            offset += count
        }
    }

    /// Puts the whole content of a small file into the tree.
    public func insertInline(_ data: RawSpan, of inode: ObjectID) throws(VolumeError) {
        let extent = FileExtent.inline(
            generation: writer.generation, ramBytes: UInt64(data.byteCount), inlineByteCount: data.byteCount)
        let item = extent.encoded(inlineData: data)
        try insertExtent(item.rawSpan, of: inode, at: 0)
    }

    /// Puts a piece of an extent that is in use already into a file, as one more use of it.
    public func insertShared(
        _ extent: FileExtent, of inode: ObjectID, at offset: UInt64
    ) throws(VolumeError) {
        let item = extent.encoded
        try insertExtent(item.rawSpan, of: inode, at: offset)
        guard !extent.isHole else { return }
        let reference = DataReference(root: tree.id, inode: inode, offset: offset &- extent.offset)
        try writer.addReference(reference, to: extent.diskAddress, count: extent.diskByteCount)
    }

    /// Puts items of holes where a file has no items between two sectors. Only volumes without the feature NO_HOLES
    /// need them.
    public func fillHoles(of inode: ObjectID, in range: Range<UInt64>) throws(VolumeError) {
        var gaps: [Range<UInt64>] = []
        var position = range.lowerBound
        var extents = extents(of: inode)
        try extents.skip(to: position)
        while let element = try extents.next(), element.start < range.upperBound {
            let end = element.sectorEnd(sectorSize)
            guard end > position else { continue }
            if element.start > position { gaps.append(position..<element.start) }
            position = end
        }
        if position < range.upperBound { gaps.append(position..<range.upperBound) }
        for gap in gaps {
            let hole = FileExtent.hole(byteCount: gap.upperBound - gap.lowerBound, generation: writer.generation)
            let item = hole.encoded
            try insertExtent(item.rawSpan, of: inode, at: gap.lowerBound)
        }
    }

    /// Turns a part of a preallocated extent into written data. Neighbours that continue it on disk become one with it.
    ///
    /// The corresponding kernel function is `btrfs_mark_extent_written`.
    ///
    /// - Parameter range: whole sectors, all within the item at `key`.
    public func markWritten(_ range: Range<UInt64>, at key: Key) throws(VolumeError) {
        guard var extent = try fileExtent(of: key.objectID, at: key.offset) else { throw missing(key) }
        precondition(range.lowerBound >= key.offset && range.upperBound <= key.offset + extent.byteCount)
        extent.generation = writer.generation
        let end = key.offset + extent.byteCount
        var written = range
        var removed = [key.offset]
        var pieces: [Range<UInt64>] = []
        if range.lowerBound > key.offset {
            pieces.append(key.offset..<range.lowerBound)
        } else if let before = try writtenStart(before: key, extent) {
            removed.append(before)
            written = before..<written.upperBound
        }
        if range.upperBound < end {
            pieces.append(range.upperBound..<end)
        } else if let next = try fileExtent(of: key.objectID, at: end),
            next.continues(extent, at: end - key.offset)
        {
            removed.append(end)
            written = written.lowerBound..<end + next.byteCount
        }
        for offset in removed { _ = try tree.remove(Key(key.objectID, .extentData, offset)) }
        for piece in pieces { try insert(extent, piece, at: key) }
        extent.kind = .regular
        try insert(extent, written, at: key)
        let reference = DataReference(root: tree.id, inode: key.objectID, offset: key.offset &- extent.offset)
        for _ in stride(from: removed.count, to: pieces.count + 1, by: 1) {
            try writer.addReference(reference, to: extent.diskAddress, count: extent.diskByteCount)
        }
        for _ in stride(from: pieces.count + 1, to: removed.count, by: 1) {
            try writer.dropReference(reference, from: extent.diskAddress, count: extent.diskByteCount)
        }
    }

    /// Where the written piece of the same extent starts that ends just where the item at `key` starts.
    private func writtenStart(before key: Key, _ extent: FileExtent) throws(VolumeError) -> UInt64? {
        guard key.offset > 0 else { return nil }
        let cursor = extentCursor
        guard try cursor.seekLast(through: Key(key.objectID, .extentData, key.offset - 1)),
            cursor.key.objectID == key.objectID, cursor.key.type == .extentData
        else { return nil }
        let before = try self.extent(at: cursor)
        let start = cursor.key.offset
        guard start + before.fileByteCount == key.offset, before.kind == .regular,
            before.diskAddress == extent.diskAddress, before.compression == .none,
            before.offset + before.byteCount == extent.offset
        else { return nil }
        return start
    }

    /// Puts the part `range` of `extent`, which stood at `key`; the range may reach out of it on both sides.
    private func insert(_ extent: FileExtent, _ range: Range<UInt64>, at key: Key) throws(VolumeError) {
        var piece = extent
        piece.offset = extent.offset &+ range.lowerBound &- key.offset
        piece.byteCount = range.upperBound - range.lowerBound
        let item = piece.encoded
        try insertExtent(item.rawSpan, of: key.objectID, at: range.lowerBound)
    }
}

extension FileExtent {
    /// Whether this is written data of the same extent as `other`, `distance` bytes behind its start.
    fileprivate func continues(_ other: FileExtent, at distance: UInt64) -> Bool {
        kind == .regular && compression == .none && diskAddress == other.diskAddress
            && offset == other.offset &+ distance
    }
}
