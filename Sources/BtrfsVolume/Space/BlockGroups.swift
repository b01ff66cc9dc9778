internal import BtrfsFormat

/// The block groups of the volume: one per chunk, with the bytes that are used in it.
///
/// Their items live in the extent tree, or in a tree of their own (feature BLOCK_GROUP_TREE). They are looked up
/// when needed, so that a large volume costs nothing.
final class BlockGroups {
    final class Group {
        let start: UInt64
        let length: UInt64
        let flags: BlockGroupFlags
        /// As of the last commit.
        let used: UInt64
        /// What the transaction added so far.
        var usedDelta: Int64 = 0
        /// How much of `usedDelta` stands in the tree already.
        var storedDelta: Int64 = 0

        init(start: UInt64, length: UInt64, flags: BlockGroupFlags, used: UInt64) {
            self.start = start
            self.length = length
            self.flags = flags
            self.used = used
        }

        var range: Range<UInt64> { start..<start + length }
        var key: Key { Key(ObjectID(start), .blockGroupItem, length) }
    }

    private(set) var loaded: [UInt64: Group] = [:]
    private var chunks: ChunkMap
    private var last: Group?

    init(_ chunks: ChunkMap) { self.chunks = chunks }

    /// Adds the empty block group of a new chunk. Its item must be there when its count is stored.
    func add(_ new: MappedChunk) throws(VolumeError) {
        try chunks.insert(new.chunk, at: new.start)
        let start = new.start.rawValue
        loaded[start] = Group(start: start, length: new.chunk.length, flags: new.chunk.type, used: 0)
    }

    /// The start of the block group that holds all of `range`; nil when none does.
    func start(of range: Range<UInt64>, in tree: Tree) throws(VolumeError) -> UInt64? {
        if let start = lastStart(of: range) { return start }
        guard let chunk = chunks.chunk(at: LogicalAddress(range.lowerBound)), range.upperBound <= chunk.end else {
            return nil
        }
        let start = chunk.start.rawValue
        if loaded[start] == nil {
            guard let group = try read(chunk, in: tree) else { return nil }
            loaded[start] = group
        }
        last = loaded[start]
        return start
    }

    /// The same if it is the block group asked for last.
    func lastStart(of range: Range<UInt64>) -> UInt64? {
        guard let last, last.start <= range.lowerBound, range.upperBound <= last.start + last.length else { return nil }
        return last.start
    }

    private func read(_ chunk: MappedChunk, in tree: Tree) throws(VolumeError) -> Group? {
        let key = Key(ObjectID(chunk.start.rawValue), .blockGroupItem, chunk.chunk.length)
        guard let data = try tree.find(key) else { return nil }
        let item: BlockGroupItem
        do { item = try BlockGroupItem(data) } catch { throw .format(error.at(key: key)) }
        guard item.flags == chunk.chunk.type else {
            throw .damaged("the block group is of type \(item.flags), its chunk of \(chunk.chunk.type)", key: key)
        }
        guard item.used <= chunk.chunk.length else {
            throw .damaged("\(item.used) bytes are used of \(chunk.chunk.length)", key: key)
        }
        return Group(
            start: chunk.start.rawValue, length: chunk.chunk.length, flags: item.flags, used: item.used)
    }

    subscript(start: UInt64) -> Group? { last?.start == start ? last : loaded[start] }

    /// Counts `delta` more bytes as used in the group that starts at `start`.
    func count(_ delta: Int64, at start: UInt64) throws(VolumeError) {
        guard let group = self[start] else { return }
        let sum = group.usedDelta + delta
        let used = Int64(clamping: group.used).addingReportingOverflow(sum)
        guard !used.overflow, used.partialValue >= 0, used.partialValue <= Int64(clamping: group.length) else {
            throw .damaged(
                "block group \(start) would have \(used.partialValue) of \(group.length) bytes in use; "
                    + "its item is wrong, run btrfs check")
        }
        group.usedDelta = sum
    }

    /// Puts the new counts into the tree.
    ///
    /// - Returns: whether anything had to be stored.
    func store(in tree: Tree) throws(VolumeError) -> Bool {
        var stored = false
        for group in loaded.values where group.usedDelta != group.storedDelta {
            stored = true
            group.storedDelta = group.usedDelta
            let used = UInt64(Int64(group.used) + group.usedDelta)
            let bytes = [UInt8](byteCount: 8) { (span: inout MutableRawSpan) in span.store(used, at: 0) }
            try tree.patch(group.key, at: 0, bytes.rawSpan)
        }
        return stored
    }

    /// What the transaction added to the used bytes of the volume.
    var totalDelta: Int64 { loaded.values.reduce(0) { $0 + $1.usedDelta } }
}
