internal import BtrfsFormat

/// Finds room for new file data.
///
/// What counts as free is what the committed trees say, less the superblock copies, less what was excluded or given
/// out before. Space that the transaction frees is not used again in it, so that the committed files stay whole until
/// the new superblock is on disk.
///
/// Free runs are kept by the power of two of their length, so that finding one takes no search. One run is used up from
/// its front before another one is taken: what is written one after the other lies one after the other.
final class DataAllocator {
    private unowned let transaction: Transaction
    private let sectorSize: UInt64
    private let isMixed: Bool
    /// The chunks from which data may come that were not looked at yet, the next at the end.
    private var candidates: [MappedChunk]
    /// Of each size the next at the end.
    private var runs: [[Range<UInt64>]] = Array(repeating: [], count: UInt64.bitWidth)
    private var current: Range<UInt64> = 0..<0
    /// What was given out, where tree blocks could come from the same block groups.
    private(set) var given = RangeSet()

    /// A shorter run is used only when there is no other room for what is at least as long.
    private static var worthwhile: UInt64 { 1 << 20 }

    init(_ transaction: Transaction) {
        self.transaction = transaction
        sectorSize = UInt64(transaction.volume.sectorSize)
        isMixed = transaction.volume.superblock.incompat.contains(.mixedGroups)
        candidates = transaction.volume.writableChunks(of: .data).reversed()
    }

    /// A free range of at most `count` bytes, whole sectors, in one block group.
    ///
    /// - Throws: `VolumeError.noSpace` when not one sector is free.
    /// - Complexity: O(log *n*) for what was excluded, once the free space of a block group is known.
    func allocate(upTo count: UInt64) throws(VolumeError) -> Range<UInt64> {
        precondition(count > 0 && count % sectorSize == 0, "data is allocated by sectors")
        while true {
            if length(current) < count { try chooseRun(count) }
            let range = current.lowerBound..<min(current.lowerBound + count, current.upperBound)
            guard let taken = obstacle(in: range) else {
                current = range.upperBound..<current.upperBound
                if isMixed { given.insert(range) }
                return range
            }
            let front = current.lowerBound..<max(taken.lowerBound, current.lowerBound)
            current = aligned(min(taken.upperBound, current.upperBound)..<current.upperBound)
            add(front)
        }
    }

    private func obstacle(in range: Range<UInt64>) -> Range<UInt64>? {
        if let excluded = transaction.firstExcluded(range) { return excluded }
        return isMixed ? transaction.allocator.given.firstOverlap(range) : nil
    }

    /// Gives back a range on which nothing was recorded.
    func giveBack(_ range: Range<UInt64>) {
        if isMixed { given.remove(range) }
        if range.upperBound == current.lowerBound {
            current = range.lowerBound..<current.upperBound
        } else {
            add(range)
        }
    }

    /// Adds a chunk that is all free.
    func add(_ chunk: MappedChunk) { candidates.append(chunk) }

    // MARK: Runs

    private func length(_ range: Range<UInt64>) -> UInt64 { range.upperBound - range.lowerBound }

    private static func sizeClass(_ length: UInt64) -> Int { UInt64.bitWidth - 1 - length.leadingZeroBitCount }

    private func aligned(_ range: Range<UInt64>) -> Range<UInt64> {
        let start = (range.lowerBound + sectorSize - 1) / sectorSize * sectorSize
        return start..<max(start, range.upperBound / sectorSize * sectorSize)
    }

    private func add(_ range: Range<UInt64>) {
        let range = aligned(range)
        if !range.isEmpty { runs[Self.sizeClass(length(range))].append(range) }
    }

    /// Makes another run the present one: one that has all of `count` bytes, else a long one.
    private func chooseRun(_ count: UInt64) throws(VolumeError) {
        add(current)
        current = 0..<0
        if takeRun(atLeast: count) { return }
        while let chunk = candidates.popLast() {
            try load(chunk)
            if takeRun(atLeast: count) { return }
        }
        if takeRun(atLeast: min(count, Self.worthwhile)) { return }
        do throws(VolumeError) { try transaction.makeChunk(for: .data) } catch {
            if takeLongRun() { return }
            guard case .noSpace(let reason) = error else { throw error }
            throw .noSpace("no room for \(count) bytes of file data: \(reason)")
        }
        while let chunk = candidates.popLast() { try load(chunk) }
        guard takeLongRun() else { throw .noSpace("no room for \(count) bytes of file data") }
    }

    private func takeRun(atLeast count: UInt64) -> Bool {
        let first = Self.sizeClass(count)
        if let run = runs[first].last, length(run) >= count { return take(from: first) }
        for size in (first + 1)..<runs.count where !runs[size].isEmpty { return take(from: size) }
        return false
    }

    /// One of the longest runs.
    private func takeLongRun() -> Bool {
        for size in runs.indices.reversed() where !runs[size].isEmpty { return take(from: size) }
        return false
    }

    private func take(from size: Int) -> Bool {
        current = runs[size].removeLast()
        return true
    }

    private func load(_ chunk: MappedChunk) throws(VolumeError) {
        let range = chunk.start.rawValue..<chunk.end
        guard try transaction.blockGroupStart(of: range) == chunk.start.rawValue,
            let group = transaction.blockGroups[chunk.start.rawValue], group.length - group.used >= sectorSize
        else { return }
        // The first is to be used first.
        for piece in try transaction.freeSpace(in: chunk).ranges.reversed() { add(piece) }
    }
}
