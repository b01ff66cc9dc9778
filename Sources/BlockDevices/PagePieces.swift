/// A range of a device cut at the boundaries of pages, in order.
struct PagePieces: Sequence, IteratorProtocol {
    struct Piece {
        /// The number of the page.
        let page: UInt64
        /// Where the bytes are in the page.
        let inPage: Range<Int>
        /// Where the bytes are in the buffer that is read or written.
        let inBuffer: Range<Int>
    }

    private let start: UInt64
    private let count: Int
    private let pageSize: UInt64
    private var done = 0

    /// `offset + count` must not overflow.
    init(_ offset: UInt64, _ count: Int, pageSize: Int) {
        start = offset
        self.count = count
        self.pageSize = UInt64(pageSize)
    }

    mutating func next() -> Piece? {
        guard done < count else { return nil }
        let (page, offset) = (start + UInt64(done)).quotientAndRemainder(dividingBy: pageSize)
        let length = Swift.min(Int(pageSize - offset), count - done)
        defer { done += length }
        return Piece(page: page, inPage: Int(offset)..<Int(offset) + length, inBuffer: done..<done + length)
    }
}

extension MutableRawSpan {
    /// Copies a piece of a page to its place in this buffer.
    @_lifetime(self: copy self)
    mutating func copy(_ piece: PagePieces.Piece, ofPage page: [UInt8]) {
        copy(RawSpan(_elements: page.span).extracting(piece.inPage), to: piece.inBuffer.lowerBound)
    }
}

extension [UInt8] {
    /// Overwrites a piece of this page.
    mutating func replace(_ piece: PagePieces.Piece, by bytes: RawSpan) {
        var span = mutableSpan
        var target = MutableRawSpan(_elements: &span)
        target.copy(bytes, to: piece.inPage.lowerBound)
    }
}
