internal import BtrfsFormat
internal import BtrfsVolume

/// The pieces of a file that hold data, to find out which pieces of another state of the file are new.
struct FilePieces {
    /// A range of the file and what it holds: two pieces with the same source hold the same bytes where they
    /// overlap.
    private struct Piece {
        var range: Range<UInt64>
        var source: Source
    }

    private enum Source: Equatable {
        /// The extent, and where the start of the file would be in it.
        case extent(LogicalAddress, origin: UInt64)
        case inline([UInt8])
    }

    private let pieces: [Piece]

    init(_ extents: FileExtents, in namespace: Namespace) throws {
        var extents = extents
        var pieces: [Piece] = []
        while let element = try extents.next() {
            if let piece = try Self.piece(element, in: namespace) { pieces.append(piece) }
        }
        self.pieces = pieces
    }

    /// Nil for a hole and for what is only allocated.
    private static func piece(_ element: FileExtents.Element, in namespace: Namespace) throws -> Piece? {
        let extent = element.extent
        guard !extent.isHole, extent.kind != .preallocated, element.end > element.start else { return nil }
        var source = Source.extent(extent.diskAddress, origin: extent.offset &- element.start)
        if extent.isInline {
            let tree = namespace.tree
            guard let item = try tree.find(element.key) else { return nil }
            source = .inline(item.copied)
        }
        return Piece(range: element.start..<element.end, source: source)
    }

    /// How many bytes of data in the first `size` bytes of another state of the file are not in these pieces.
    ///
    /// - Complexity: O(pieces of both).
    func newByteCount(_ extents: FileExtents, in namespace: Namespace, size: UInt64) throws -> UInt64 {
        var extents = extents
        var count: UInt64 = 0
        var first = 0
        while let element = try extents.next(), element.start < size {
            guard let piece = try Self.piece(element, in: namespace) else { continue }
            let range = piece.range.clamped(to: 0..<size)
            while first < pieces.count, pieces[first].range.upperBound <= range.lowerBound { first += 1 }
            var known: UInt64 = 0
            for old in pieces[first...] {
                guard old.range.lowerBound < range.upperBound else { break }
                if old.source == piece.source { known &+= UInt64(old.range.clamped(to: range).count) }
            }
            count &+= UInt64(range.count) &- known
        }
        return count
    }
}
