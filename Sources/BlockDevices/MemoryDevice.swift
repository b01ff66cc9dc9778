/// A device in memory. Pages that were never written, or only with zeros, take no space.
public final class MemoryDevice: BlockDevice {
    /// The unit in which memory is taken, in bytes.
    public static let pageSize = 65536

    public let name: String
    public let byteCount: UInt64
    public var isReadOnly: Bool { false }
    private var pages: [UInt64: [UInt8]]

    private static let zeros = [UInt8](repeating: 0, count: pageSize)

    /// A device of `byteCount` zero bytes.
    public init(byteCount: UInt64, name: String = "memory") {
        self.name = name
        self.byteCount = byteCount
        pages = [:]
    }

    private init(_ other: MemoryDevice) {
        name = other.name
        byteCount = other.byteCount
        pages = other.pages
    }

    /// A device of its own with the same content.
    ///
    /// - Complexity: O(1); the pages are shared until one of the two writes to them.
    public func copy() -> MemoryDevice { MemoryDevice(self) }

    public func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try checkRange(offset, target.byteCount, for: .read)
        for piece in PagePieces(offset, target.byteCount, pageSize: Self.pageSize) {
            if let page = pages[piece.page] {
                target.copy(piece, ofPage: page)
            } else {
                target.clear(piece.inBuffer)
            }
        }
    }

    public func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try checkWrite(offset, source.byteCount)
        for piece in PagePieces(offset, source.byteCount, pageSize: Self.pageSize) {
            let bytes = source.extracting(piece.inBuffer)
            if pages[piece.page] == nil, bytes.holdsOnlyZeros { continue }
            pages[piece.page, default: Self.zeros].replace(piece, by: bytes)
        }
    }

    public func flush() throws(DeviceError) {}

    /// What takes memory: whole pages, but the last one ends at the end of the device at most.
    public var dataRanges: RangeSet<UInt64> {
        let size = UInt64(Self.pageSize)
        var ranges = RangeSet<UInt64>()
        for page in pages.keys {
            ranges.insert(contentsOf: page * size..<min((page + 1) * size, byteCount))
        }
        return ranges
    }

    /// Whether both devices have the same size and bytes.
    ///
    /// - Complexity: O(pages in memory); pages that are shared after `copy` cost nothing.
    public func contentEquals(_ other: MemoryDevice) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for (index, page) in pages {
            let theirs = other.pages[index, default: Self.zeros]
            guard RawSpan(_elements: page.span).matches(RawSpan(_elements: theirs.span)) else { return false }
        }
        for (index, page) in other.pages where pages[index] == nil {
            guard RawSpan(_elements: page.span).holdsOnlyZeros else { return false }
        }
        return true
    }
}
