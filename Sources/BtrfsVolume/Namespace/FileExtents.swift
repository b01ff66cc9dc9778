public import BtrfsFormat

/// The extent items of a file, in the order of the file.
public struct FileExtents {
    /// An extent item and where it stands.
    public struct Element {
        /// The key of the item; its offset is the place in the file in bytes.
        public var key: Key
        /// The item.
        public var extent: FileExtent
        /// The leaf that holds the item.
        public var leaf: LogicalAddress

        /// Where in the file the extent starts.
        public var start: UInt64 { key.offset }
        /// Where in the file it ends; an inline extent ends where its data does.
        public var end: UInt64 { key.offset + extent.fileByteCount }

        /// Where in the file it ends, an inline extent rounded up to whole sectors.
        ///
        /// The corresponding kernel function is `btrfs_file_extent_end`.
        func sectorEnd(_ sectorSize: UInt64) -> UInt64 {
            guard extent.isInline else { return end }
            let (sum, overflow) = end.addingReportingOverflow(sectorSize - 1)
            return overflow ? end : sum / sectorSize * sectorSize
        }
    }

    private let namespace: Namespace
    private let inode: ObjectID
    let cursor: TreeCursor
    private var isStarted = false
    /// Whether the cursor already stands on the next extent.
    private var isAhead = false

    init(_ namespace: Namespace, of inode: ObjectID) {
        self.namespace = namespace
        self.inode = inode
        cursor = namespace.tree.makeCursor()
    }

    /// Makes the last extent that starts at or before `offset` the next one, or the first where there is
    /// none.
    package mutating func skip(to offset: UInt64) throws(VolumeError) {
        let first = Key(inode, .extentData, 0)
        isAhead = true
        if try cursor.seekLast(through: Key(inode, .extentData, offset)), cursor.key >= first { return }
        try cursor.seek(first)
    }

    /// The next extent; nil behind the last.
    public mutating func next() throws(VolumeError) -> Element? {
        if isAhead {
            isAhead = false
        } else if isStarted {
            guard try cursor.next() else { return nil }
        } else {
            try cursor.seek(Key(inode, .extentData, 0))
        }
        isStarted = true
        guard cursor.isValid, cursor.key.objectID == inode, cursor.key.type == .extentData else { return nil }
        return Element(key: cursor.key, extent: try namespace.extent(at: cursor), leaf: cursor.block)
    }
}

extension Namespace {
    /// The extent items of `inode`, to be read one after the other.
    public func extents(of inode: ObjectID) -> FileExtents { FileExtents(self, of: inode) }

    /// The parts of `inode` that hold data.
    public func dataSegments(of inode: ObjectID, _ item: InodeItem) -> DataSegments {
        DataSegments(self, inode, item)
    }
}

/// The parts of a file that hold data, as SEEK_DATA and SEEK_HOLE of `lseek` show them: holes and
/// preallocated extents are left out, neighbours are one.
public struct DataSegments {
    private var extents: FileExtents
    private let size: UInt64
    private let sectorSize: UInt64
    /// The kernel does not search for holes in a file whose bytes say that it has none.
    private let isKnownAsFull: Bool
    private var pending: Range<UInt64>?
    private var isFinished = false

    init(_ namespace: Namespace, _ inode: ObjectID, _ item: InodeItem) {
        extents = namespace.extents(of: inode)
        size = item.size
        sectorSize = namespace.sectorSize
        isKnownAsFull = !item.flags.contains(.preallocated) && item.nbytes == item.size
    }

    /// The next segment; nil behind the last.
    public mutating func next() throws(VolumeError) -> Range<UInt64>? {
        while !isFinished, let element = try extents.next(), element.start < size {
            let extent = element.extent
            if extent.kind == .preallocated || extent.isHole { continue }
            let end = min(element.sectorEnd(sectorSize), size)
            guard end > element.start else { continue }
            if isKnownAsFull {
                isFinished = true
                return element.start..<size
            }
            guard let before = pending else {
                pending = element.start..<end
                continue
            }
            if before.upperBound >= element.start {
                pending = before.lowerBound..<max(before.upperBound, end)
            } else {
                pending = element.start..<end
                return before
            }
        }
        defer { pending = nil }
        return pending
    }
}
