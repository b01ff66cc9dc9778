internal import BtrfsFormat
internal import BtrfsVolume

/// Checksums of replayed extents, kept back to be stored together in the order of their addresses.
///
/// Extents come in the order of the file, which need not be that of the disk; one by one, each would be a search in
/// the checksum tree and an item of its own there.
struct PendingChecksums {
    /// Checksums that were added one after the other, of addresses that follow each other.
    private struct Piece {
        var start: UInt64
        var end: UInt64
        /// Where its checksums begin in `bytes`.
        var offset: Int
        var byteCount: Int
    }

    private var pieces: [Piece] = []
    /// The checksums of all pieces.
    private var bytes: [UInt8] = []
    /// More than this is not kept back, so that memory stays small.
    private static var limit: Int { 4 << 20 }
    /// About the size of an item, beyond which a run saves nothing.
    private static var runLimit: Int { 16 << 10 }

    /// Adds the checksums of the addresses from `start` to `end`; they replace what was added for them before.
    mutating func add(
        _ sums: RawSpan, from start: UInt64, to end: UInt64, in transaction: Transaction
    ) throws(VolumeError) {
        if bytes.count + sums.byteCount > Self.limit { try store(in: transaction) }
        // The system gives the pages of it when they are first touched.
        if bytes.capacity == 0 { bytes.reserveCapacity(Self.limit) }
        let offset = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: sums.byteCount))
        var elements = bytes.mutableSpan
        var target = MutableRawSpan(_elements: &elements)
        target.store(sums, at: offset)
        if let last = pieces.last, last.end == start, last.byteCount + sums.byteCount <= Self.runLimit {
            pieces[pieces.count - 1].end = end
            pieces[pieces.count - 1].byteCount += sums.byteCount
        } else {
            pieces.appendToLongList(Piece(start: start, end: end, offset: offset, byteCount: sums.byteCount))
        }
    }

    /// Stores what was added.
    mutating func store(in transaction: Transaction) throws(VolumeError) {
        guard !pieces.isEmpty else { return }
        defer {
            pieces.removeAll(keepingCapacity: true)
            bytes.removeAll(keepingCapacity: true)
        }
        if !areDisjoint {
            dropRepeated()
            // Where pieces overlap in part the later one counts: then they are stored as they came.
            if !areDisjoint { pieces.sort { $0.offset < $1.offset } }
        }
        try storePieces(in: transaction)
    }

    /// Brings the pieces into the order of their addresses. Several files may share an extent, which is kept once.
    private mutating func dropRepeated() {
        pieces.sort { ($0.start, $0.offset) < ($1.start, $1.offset) }
        var count = 0
        for index in pieces.indices {
            let piece = pieces[index]
            if count == 0 || pieces[count - 1].start != piece.start || pieces[count - 1].end != piece.end { count += 1 }
            pieces[count - 1] = piece
        }
        pieces.removeLast(pieces.count - count)
    }

    /// Whether the pieces are in the order of their addresses, and none reaches into the next.
    private var areDisjoint: Bool {
        zip(pieces, pieces.dropFirst()).allSatisfy { $0.end <= $1.start }
    }

    /// Stores the pieces in their order, those that continue each other in one go.
    private func storePieces(in transaction: Transaction) throws(VolumeError) {
        var run: [UInt8] = []
        var start: UInt64 = 0
        var end: UInt64 = 0
        for piece in pieces {
            if piece.start != end || run.count >= Self.runLimit {
                try store(run, at: start, transaction)
                run.removeAll(keepingCapacity: true)
                start = piece.start
            }
            run += bytes[piece.offset..<piece.offset + piece.byteCount]
            end = piece.end
        }
        try store(run, at: start, transaction)
    }

    private func store(_ run: [UInt8], at start: UInt64, _ transaction: Transaction) throws(VolumeError) {
        if !run.isEmpty { try transaction.insertChecksums(LogicalAddress(start), run.rawSpan) }
    }
}
