public import BtrfsFormat

extension Namespace {
    /// The file extent item of `inode` at exactly `offset`; nil where there is none.
    public func fileExtent(of inode: ObjectID, at offset: UInt64) throws(VolumeError) -> FileExtent? {
        let tree = tree
        let key = Key(inode, .extentData, offset)
        guard let item = try tree.find(key) else { return nil }
        return try parsing(key) { () throws(FormatError) in try FileExtent(item) }
    }

    /// Puts the bytes of a file extent item at `offset`. References and the inode's count of bytes are the
    /// caller's.
    ///
    /// - Throws: `VolumeError.keyExists` when there is an item at `offset`: drop it first.
    public func insertExtent(
        _ item: RawSpan, of inode: ObjectID, at offset: UInt64
    ) throws(VolumeError) {
        try tree.insert(Key(inode, .extentData, offset), item)
    }

    /// Drops what `inode` has between the file offsets `start` and `end` (the end is not part of it; `.max`
    /// for all there is): items inside go, items that reach out are shortened or split, references follow.
    ///
    /// | the item [a, b) | what becomes of it |
    /// |---|---|
    /// | inside | the item goes, and one reference of its extent |
    /// | begins before `start` | it ends at `start` |
    /// | ends after `end` | it begins at `end` |
    /// | both | two items, and one more reference to the extent |
    ///
    /// Holes count no bytes, inline items go whole or not at all. The inode item is not changed: its count
    /// of bytes is the caller's. The corresponding kernel function is `btrfs_drop_extents`.
    ///
    /// - Returns: how many bytes of the file's content were dropped.
    /// - Throws: `VolumeError.damaged` when part of an inline item would have to go, or an item is not valid.
    /// - Complexity: one search, and one to three for each item that changes.
    public func dropExtents(
        of inode: ObjectID, from start: UInt64, to end: UInt64
    ) throws(VolumeError) -> UInt64 {
        guard start < end else { return 0 }
        let cursor = extentCursor
        var dropped: UInt64 = 0
        var position = Key(inode, .extentData, start)
        if try cursor.seekLast(through: position) {
            let key = cursor.key
            if key.objectID == inode, key.type == .extentData { position = key }
        }
        // Any change makes the cursor invalid. After one the search goes on behind the item that changed.
        while true {
            _ = try cursor.seek(position)
            guard try skip(cursor, inode: inode, before: start) else { return dropped }
            let key = cursor.key
            guard key.offset < end else { return dropped }
            let extent = try self.extent(at: cursor)
            let change = ExtentChange(extent, at: key.offset, start: start, end: end)
            dropped &+= change.droppedByteCount
            try apply(change, to: extent, at: key)
            guard change.continues, let next = key.successor else { return dropped }
            position = next
        }
    }

    /// Moves `cursor` to the first extent item of `inode` that ends after `start`; false when there is none.
    /// Items of no length count as such, as the kernel drops those too.
    private func skip(
        _ cursor: TreeCursor, inode: ObjectID, before start: UInt64
    ) throws(VolumeError) -> Bool {
        while cursor.isValid, cursor.key.objectID == inode, cursor.key.type == .extentData {
            let offset = cursor.key.offset
            let end = offset &+ (try extent(at: cursor)).fileByteCount
            if end > start || (end == offset && end >= start) { return true }
            guard try cursor.next() else { return false }
        }
        return false
    }

    /// The extent item on which `cursor` stands.
    func extent(at cursor: TreeCursor) throws(VolumeError) -> FileExtent {
        let key = cursor.key
        let item = cursor.data
        let extent = try parsing(key) { () throws(FormatError) in try FileExtent(item) }
        let (_, overflow) = key.offset.addingReportingOverflow(extent.fileByteCount)
        guard extent.kind.rawValue <= 2, !overflow else {
            throw .damaged(
                overflow ? "a file extent reaches over the end of all files" : "unknown kind of file extent",
                block: cursor.block, slot: cursor.slot, key: key)
        }
        return extent
    }

    /// Makes one change of `dropExtents`.
    private func apply(_ change: ExtentChange, to extent: FileExtent, at key: Key) throws(VolumeError) {
        if extent.kind == .inline, change.head != nil || change.tail != nil {
            throw .damaged("an inline extent can only be dropped whole", block: nil, slot: nil, key: key)
        }
        switch (change.head, change.tail) {
        case (nil, nil):
            _ = try tree.remove(key)
        case (let head?, nil):
            try patch(extent.keeping(head, from: key.offset), at: key)
        case (nil, let tail?):
            _ = try tree.remove(key)
            try insert(extent.keeping(tail, from: key.offset), at: tail.lowerBound, like: key)
        case (let head?, let tail?):
            try patch(extent.keeping(head, from: key.offset), at: key)
            try insert(extent.keeping(tail, from: key.offset), at: tail.lowerBound, like: key)
        }
        guard extent.kind != .inline, !extent.isHole else { return }
        let reference = DataReference(
            root: tree.id, inode: key.objectID, offset: key.offset &- extent.offset)
        if change.head == nil, change.tail == nil {
            try writer.dropReference(reference, from: extent.diskAddress, count: extent.diskByteCount)
        } else if change.head != nil, change.tail != nil {
            try writer.addReference(reference, to: extent.diskAddress, count: extent.diskByteCount)
        }
    }

    private func patch(_ extent: FileExtent, at key: Key) throws(VolumeError) {
        let buffer = buffer
        buffer.removeAll()
        buffer.append(extent)
        try tree.patch(key, at: 0, buffer.bytes)
    }

    private func insert(_ extent: FileExtent, at offset: UInt64, like key: Key) throws(VolumeError) {
        let buffer = buffer
        buffer.removeAll()
        buffer.append(extent)
        try tree.insert(Key(key.objectID, .extentData, offset), buffer.bytes)
    }
}

/// What dropping a range of a file does to one extent item that meets the range.
struct ExtentChange {
    /// What stays in front of the range and behind it, in file offsets.
    var head: Range<UInt64>?
    var tail: Range<UInt64>?
    var droppedByteCount: UInt64
    /// Whether items behind this one may meet the range.
    var continues: Bool

    init(_ extent: FileExtent, at offset: UInt64, start: UInt64, end: UInt64) {
        let extentEnd = offset &+ extent.fileByteCount
        head = offset < start ? offset..<start : nil
        tail = extentEnd > end ? end..<extentEnd : nil
        let counts = extent.kind == .inline || !extent.isHole
        droppedByteCount = counts ? min(extentEnd, end) - max(offset, start) : 0
        continues = extentEnd < end
    }
}

extension FileExtent {
    /// The item cut down to `range`, where it now begins at `offset` of the file.
    func keeping(_ range: Range<UInt64>, from offset: UInt64) -> FileExtent {
        var kept = self
        kept.offset = self.offset &+ (range.lowerBound - offset)
        kept.byteCount = range.upperBound - range.lowerBound
        return kept
    }
}
