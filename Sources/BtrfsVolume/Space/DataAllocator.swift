internal import BtrfsFormat

/// Finds room for new file data.
///
/// What counts as free is what the committed trees say, less the superblock copies, less what was excluded or given
/// out before. Space that the transaction frees is not used again in it, so that the committed files stay whole until
/// the new superblock is on disk.
final class DataAllocator {
    private unowned let transaction: Transaction
    private let sectorSize: UInt64
    /// The chunks from which data may come that were not looked at yet, the next at the end.
    private var candidates: [MappedChunk]
    /// What is free in the chunks that were looked at.
    private var free = RangeSet()

    init(_ transaction: Transaction) {
        self.transaction = transaction
        sectorSize = UInt64(transaction.volume.sectorSize)
        candidates = transaction.volume.chunks.chunks.filter {
            $0.chunk.type.contains(.data) && $0.profile.isDisjoint(with: .parityMask)
        }.reversed()
    }

    /// A free range of at most `count` bytes, whole sectors, in one block group: the first that has all of it, else the
    /// longest.
    ///
    /// - Throws: `VolumeError.noSpace` when not one sector is free.
    func allocate(upTo count: UInt64, excluding excluded: RangeSet) throws(VolumeError) -> Range<UInt64> {
        precondition(count > 0 && count % sectorSize == 0, "data is allocated by sectors")
        for range in excluded.ranges { free.remove(range) }
        while true {
            if let range = free.ranges.first(where: { $0.upperBound - $0.lowerBound >= count }) {
                return take(range.lowerBound..<range.lowerBound + count)
            }
            guard let chunk = candidates.popLast() else { break }
            try load(chunk)
            for range in excluded.ranges { free.remove(range) }
        }
        let longest = free.ranges.max { $0.upperBound - $0.lowerBound < $1.upperBound - $1.lowerBound }
        guard let longest, longest.upperBound - longest.lowerBound >= sectorSize else {
            throw .noSpace("no room for \(count) bytes of file data")
        }
        return take(longest.lowerBound..<longest.upperBound / sectorSize * sectorSize)
    }

    private func take(_ range: Range<UInt64>) -> Range<UInt64> {
        free.remove(range)
        return range
    }

    /// Gives back a range on which nothing was recorded.
    func giveBack(_ range: Range<UInt64>) { free.insert(range) }

    private func load(_ chunk: MappedChunk) throws(VolumeError) {
        let range = chunk.start.rawValue..<chunk.end
        guard try transaction.blockGroupStart(of: range) == chunk.start.rawValue else { return }
        for piece in try transaction.freeSpace(in: chunk).ranges { free.insert(piece) }
    }
}

extension Transaction {
    /// What the committed trees call free in a chunk, less the superblock copies.
    ///
    /// Where the free space tree and the extent tree disagree only what both call free counts.
    func freeSpace(in chunk: MappedChunk) throws(VolumeError) -> RangeSet {
        let range = chunk.start.rawValue..<chunk.end
        var known = try FreeSpaceScan.fromExtents(of: range, in: committedExtentTree())
        if let tree = try committedFreeSpaceTree() {
            let recorded = try FreeSpaceScan.fromFreeSpaceTree(
                of: range, in: tree, sectorSize: UInt64(volume.sectorSize))
            if recorded != known {
                warn(
                    "the free space tree and the extent tree disagree on block group \(range.lowerBound); only what "
                        + "both call free was used. Run btrfs check")
                known = known.intersection(recorded)
            }
        }
        for reserved in superblockRanges(in: chunk) { known.remove(reserved) }
        return known
    }
}
