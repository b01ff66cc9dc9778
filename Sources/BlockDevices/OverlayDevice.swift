/// What is written stays in memory, above a base that is never written.
public final class OverlayDevice: BlockDevice {
    private static let pageSize = 4096

    public var name: String { base.name }
    public var byteCount: UInt64 { base.byteCount }
    public var isReadOnly: Bool { false }

    /// What lies below. Its bytes must not change while there is an overlay above.
    public let base: any BlockDevice
    private var pages: [UInt64: [UInt8]] = [:]
    private var written = RangeSet<UInt64>()

    /// An overlay that shows `base` as it is.
    public init(base: any BlockDevice) {
        self.base = base
    }

    /// The bytes that were written, in ascending order; ranges that touch are one.
    public var writtenRanges: [Range<UInt64>] { Array(written.ranges) }

    public var dataRanges: RangeSet<UInt64> {
        get throws(DeviceError) { try base.dataRanges.union(written) }
    }

    /// An overlay of its own with the same content, above the same base.
    ///
    /// - Complexity: O(1); the pages are shared until one of the two writes.
    public func copy() -> OverlayDevice {
        let other = OverlayDevice(base: base)
        other.pages = pages
        other.written = written
        return other
    }

    /// Forgets all that was written.
    public func discardWrites() {
        pages = [:]
        written = RangeSet()
    }

    public func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        let count = target.byteCount
        try checkRange(offset, count, for: .read)
        var pending = 0..<0  // bytes of the target that the base has, not yet read
        for piece in PagePieces(offset, count, pageSize: Self.pageSize) {
            if let page = pages[piece.page] {
                try readBase(pending, of: &target, at: offset)
                target.copy(piece, ofPage: page)
                pending = piece.inBuffer.upperBound..<piece.inBuffer.upperBound
            } else {
                pending = pending.lowerBound..<piece.inBuffer.upperBound
            }
        }
        try readBase(pending, of: &target, at: offset)
    }

    private func readBase(
        _ range: Range<Int>, of target: inout MutableRawSpan, at offset: UInt64
    ) throws(DeviceError) {
        guard !range.isEmpty else { return }
        var part = target._mutatingExtracting(range)
        try base.read(into: &part, at: offset + UInt64(range.lowerBound))
    }

    public func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try checkWrite(offset, source.byteCount)
        for piece in PagePieces(offset, source.byteCount, pageSize: Self.pageSize) {
            if pages[piece.page] == nil {
                pages[piece.page] = try newPage(piece.page, isReplaced: piece.inPage.count == Self.pageSize)
            }
            pages[piece.page]?.replace(piece, by: source.extracting(piece.inBuffer))
        }
        written.insert(contentsOf: offset..<offset + UInt64(source.byteCount))
    }

    /// A page as the base has it, with zeros after its end; only zeros when all of it will be replaced.
    private func newPage(_ index: UInt64, isReplaced: Bool) throws(DeviceError) -> [UInt8] {
        guard !isReplaced else { return [UInt8](repeating: 0, count: Self.pageSize) }
        let start = index * UInt64(Self.pageSize)
        let known = try base.bytes(at: start, count: Int(min(UInt64(Self.pageSize), byteCount - start)))
        return known + [UInt8](repeating: 0, count: Self.pageSize - known.count)
    }

    public func flush() throws(DeviceError) {}
}
