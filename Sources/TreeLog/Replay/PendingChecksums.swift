internal import BtrfsFormat
internal import BtrfsVolume

/// Checksums of replayed extents, kept back to be stored together in the order of their addresses.
///
/// Extents come in the order of the file, which need not be that of the disk; one by one, each would be a search in
/// the checksum tree and an item of its own there.
struct PendingChecksums {
    private struct Piece {
        var start: UInt64
        var end: UInt64
        /// Where its checksums begin in `bytes`.
        var offset: Int
        var byteCount: Int
    }

    private var pieces: ContiguousArray<Piece> = []
    /// The checksums of all pieces; longer than they are.
    private var bytes: [UInt8] = []
    private var count = 0
    /// More than this is not kept back, so that memory stays small.
    private static var limit: Int { 4 << 20 }
    /// About the size of an item, beyond which a run saves nothing.
    private static var runLimit: Int { 16 << 10 }

    /// Adds the checksums of the addresses from `start` to `end`; they replace what was added for them before.
    mutating func add(
        _ sums: RawSpan, from start: UInt64, to end: UInt64, in transaction: Transaction
    ) throws(VolumeError) {
        if count + sums.byteCount > Self.limit { try store(in: transaction) }
        if count + sums.byteCount > bytes.count {
            let size = max(bytes.count * 2, count + sums.byteCount, 4096)
            bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
        }
        let offset = count
        var elements = bytes.mutableSpan
        var target = MutableRawSpan(_elements: &elements)
        target.store(sums, at: offset)
        count += sums.byteCount
        pieces.append(Piece(start: start, end: end, offset: offset, byteCount: sums.byteCount))
    }

    /// Stores what was added.
    mutating func store(in transaction: Transaction) throws(VolumeError) {
        guard !pieces.isEmpty else { return }
        let added = pieces
        pieces.removeAll(keepingCapacity: true)
        count = 0
        var sorted: ContiguousArray<Piece> = []
        for piece in added.sorted(by: { ($0.start, $0.offset) < ($1.start, $1.offset) }) {
            // Several files may share an extent.
            if let last = sorted.last, last.start == piece.start, last.end == piece.end { sorted.removeLast() }
            sorted.append(piece)
        }
        // Where pieces overlap in part the later one counts: then they are stored as they came.
        let areDisjoint = zip(sorted, sorted.dropFirst()).allSatisfy { $0.end <= $1.start }
        guard areDisjoint else { return try store(added, transaction) }
        try store(sorted, transaction)
    }

    /// Stores pieces in the given order, those that continue each other in one go.
    private func store(_ pieces: ContiguousArray<Piece>, _ transaction: Transaction) throws(VolumeError) {
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
