/// Sectors, by addresses in them. Adding one and asking for one take about the same time wherever it lies.
///
/// A bit for each sector, in pieces for those parts of the address space of which there are any: a log may name its
/// extents in the order of a file that was written here and there.
struct SectorSet {
    private let sectorShift: UInt64
    /// The words of all pieces.
    private var words: [UInt64] = []
    /// Where the words of a piece begin.
    private var pieces: [UInt64: Int] = [:]
    /// The piece that was used last.
    private var recent: (number: UInt64, start: Int)?
    /// At most so many bytes are taken for one sector that is far from all others: 256.
    private static var wordsPerPiece: Int { 32 }
    private static var sectorsPerPiece: UInt64 { 2048 }

    /// - Parameter sectorSize: a power of two.
    init(sectorSize: Int) { sectorShift = UInt64(sectorSize.trailingZeroBitCount) }

    mutating func contains(_ address: UInt64) -> Bool {
        let sector = address >> sectorShift
        guard let start = start(of: sector / Self.sectorsPerPiece) else { return false }
        let bit = sector % Self.sectorsPerPiece
        return words[start + Int(bit / 64)] & (1 << (bit % 64)) != 0
    }

    mutating func insert(_ address: UInt64) {
        let sector = address >> sectorShift
        let start = start(of: sector / Self.sectorsPerPiece) ?? add(sector / Self.sectorsPerPiece)
        let bit = sector % Self.sectorsPerPiece
        words[start + Int(bit / 64)] |= 1 << (bit % 64)
    }

    mutating func removeAll() {
        words.removeAll(keepingCapacity: true)
        pieces.removeAll(keepingCapacity: true)
        recent = nil
    }

    private mutating func start(of piece: UInt64) -> Int? {
        if let recent, recent.number == piece { return recent.start }
        guard let start = pieces[piece] else { return nil }
        recent = (piece, start)
        return start
    }

    private mutating func add(_ piece: UInt64) -> Int {
        let start = words.count
        words.append(contentsOf: repeatElement(0, count: Self.wordsPerPiece))
        pieces[piece] = start
        recent = (piece, start)
        return start
    }
}
