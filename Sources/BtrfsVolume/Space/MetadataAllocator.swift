internal import BtrfsFormat

/// Finds room for new tree blocks.
///
/// What counts as free is what the committed extent tree says (and the free space tree, where there is one, says
/// too), less the superblock copies, less what the caller excluded: the log and what it refers to. Space that the
/// transaction frees is not used again in it, so that the committed trees stay whole until the new superblock is
/// on disk.
final class MetadataAllocator {
    private unowned let transaction: Transaction
    private let nodeSize: UInt64
    /// The chunks from which tree blocks may come, in order of use.
    private var candidates: [MappedChunk]
    /// What the chunks hold: metadata, or system for the chunk tree.
    private let content: BlockGroupFlags
    private let isMixed: Bool
    private var candidate = 0
    private var free: ContiguousArray<Range<UInt64>> = []
    private var index = 0
    private var position: UInt64 = 0
    /// Addresses never to be given out.
    private(set) var excluded = RangeSet()
    /// Addresses given out, to refuse an exclusion that comes too late.
    private(set) var given = RangeSet()

    init(_ transaction: Transaction, _ content: BlockGroupFlags) {
        self.transaction = transaction
        self.content = content
        isMixed = transaction.volume.superblock.incompat.contains(.mixedGroups)
        nodeSize = UInt64(transaction.volume.nodeSize)
        candidates = transaction.volume.writableChunks(of: content).filter {
            $0.chunk.type.contains(.system) == (content == .system)
        }
    }

    /// Adds a chunk that is all free.
    func add(_ chunk: MappedChunk) { candidates.append(chunk) }

    func exclude(_ range: Range<UInt64>) throws(VolumeError) {
        if let taken = given.firstOverlap(range) {
            throw .refused(
                "addresses \(range.lowerBound) to \(range.upperBound) are excluded too late: a new tree block "
                    + "lies at \(max(taken.lowerBound, range.lowerBound))")
        }
        excluded.insert(range)
    }

    /// A place for one tree block, at a multiple of the node size.
    ///
    /// - Throws: `VolumeError.noSpace` when no block group has room and there can be no further one.
    func allocate() throws(VolumeError) -> LogicalAddress {
        while true {
            while index < free.count {
                let range = free[index]
                let start = aligned(max(position, range.lowerBound))
                guard start + nodeSize <= range.upperBound else {
                    index += 1
                    position = 0
                    continue
                }
                if let taken = obstacle(in: start..<start + nodeSize) {
                    position = taken.upperBound
                    continue
                }
                position = start + nodeSize
                given.insert(start..<start + nodeSize)
                return LogicalAddress(start)
            }
            try loadNext()
        }
    }

    private func obstacle(in range: Range<UInt64>) -> Range<UInt64>? {
        let taken = excluded.firstOverlap(range)
        guard isMixed, let data = transaction.dataAllocator.given.firstOverlap(range) else { return taken }
        return taken.map { $0.lowerBound < data.lowerBound ? $0 : data } ?? data
    }

    /// Adds the free space of the next chunk, of a new one when all are known.
    private func loadNext() throws(VolumeError) {
        if candidate == candidates.count {
            do throws(VolumeError) { try transaction.makeChunk(for: content) } catch {
                guard case .noSpace(let reason) = error else { throw error }
                throw .noSpace(
                    "no room for new tree blocks: the \(candidates.count) metadata block groups are full, and "
                        + reason)
            }
        }
        guard candidate < candidates.count else { throw .noSpace("no room for new tree blocks") }
        try load(candidates[candidate])
        candidate += 1
    }

    /// Makes sure that `blocks` blocks can be allocated, with new chunks if need be.
    ///
    /// - Throws: `VolumeError.noSpace` when fewer could be.
    func checkRoom(blocks: Int) throws(VolumeError) {
        while true {
            var room = 0
            for (number, range) in free.enumerated().dropFirst(index) {
                room += self.room(in: number == index ? range.clamped(to: position..<UInt64.max) : range)
                if room >= blocks { return }
            }
            try loadNext()
        }
    }

    /// How many blocks find a place in a range that was free at the last commit.
    private func room(in range: Range<UInt64>) -> Int {
        var count: UInt64 = 0
        var start = aligned(range.lowerBound)
        while start < range.upperBound {
            let taken = obstacle(in: start..<range.upperBound)
            count += ((taken.map { max($0.lowerBound, start) } ?? range.upperBound) - start) / nodeSize
            start = taken.map { aligned($0.upperBound) } ?? range.upperBound
        }
        return Int(count)
    }

    private func aligned(_ address: UInt64) -> UInt64 { (address + nodeSize - 1) / nodeSize * nodeSize }

    /// Adds what is free in a chunk behind what is known already.
    private func load(_ chunk: MappedChunk) throws(VolumeError) {
        let range = chunk.start.rawValue..<chunk.end
        guard let group = try transaction.blockGroupStart(of: range), group == chunk.start.rawValue else { return }
        free += try transaction.freeSpace(in: chunk).ranges
    }
}
