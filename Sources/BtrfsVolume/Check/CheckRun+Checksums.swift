internal import BtrfsFormat

/// Checksums of data.
extension CheckRun {
    var checksumTree: CheckedTree? {
        rootsByID[.checksumTree].map { CheckedTree(.checksumTree, $0.item) }
    }

    /// Reads which data has checksums.
    func readChecksumTree() {
        guard let tree = checksumTree else {
            incomplete.insert(.checksumTree)
            return
        }
        noteRoot(of: tree)
        var end: UInt64 = 0
        walk(tree) { block in
            guard note(block, of: tree) else { return false }
            guard block.level == 0 else { return true }
            for slot in 0..<block.count where !block.isDamaged(slot) {
                guard let range = checksumRange(block, slot) else { continue }
                if range.lowerBound < end {
                    let place = block.place(slot, .checksumTree)
                    sink.error(.checksum, place, "the checksums before these reach to \(end)")
                }
                end = max(end, range.upperBound)
                checksums.insert(range)
            }
            return true
        }
    }

    /// What the checksums of an item cover; nil for another item.
    private func checksumRange(_ block: CheckedBlock, _ slot: Int) -> Range<UInt64>? {
        let key = block.block.key(at: slot)
        guard key.type == .extentChecksum else { return nil }
        let sums = UInt64(block.block.dataSize(at: slot) / volume.checksumType.size)
        let (end, overflow) = key.offset.addingReportingOverflow(sums &* UInt64(volume.sectorSize))
        return overflow ? nil : key.offset..<end
    }

    /// Reads all data that has checksums, in all copies.
    func verifyData() {
        guard let tree = checksumTree else { return }
        let buffer = BlockBuffer(count: Self.dataPieceSize)
        var last: UInt64 = 0
        sink.isMuted = true
        walk(tree) { block in
            sink.isMuted = false
            defer { sink.isMuted = true }
            guard block.level == 0 else { return true }
            for slot in 0..<block.count where !block.isDamaged(slot) {
                // What overlaps was told; it is not read twice.
                guard let range = checksumRange(block, slot), range.lowerBound >= last else { continue }
                last = range.upperBound
                verify(range, block, slot, buffer)
            }
            return true
        }
        sink.isMuted = false
    }

    private static var dataPieceSize: Int { 1 << 20 }

    private func verify(_ range: Range<UInt64>, _ block: CheckedBlock, _ slot: Int, _ buffer: BlockBuffer) {
        let sectorSize = volume.sectorSize
        let size = volume.checksumType.size
        let sums = block.block.data(at: slot)
        for mirror in 0..<volume.mirrorCount(at: LogicalAddress(range.lowerBound)) {
            var position = range.lowerBound
            while position < range.upperBound {
                let count = Int(min(UInt64(Self.dataPieceSize), range.upperBound - position))
                var isRead = true
                do throws(VolumeError) {
                    try buffer.change { (span: inout MutableRawSpan) throws(VolumeError) in
                        var piece = span._mutatingExtracting(0..<count)
                        try volume.readData(into: &piece, at: LogicalAddress(position), mirror: mirror)
                    }
                } catch {
                    isRead = false
                    complain(error, .data, block.place(slot, .checksumTree))
                }
                for offset in stride(from: 0, to: isRead ? count : 0, by: sectorSize) {
                    let index = Int((position - range.lowerBound) / UInt64(sectorSize)) + offset / sectorSize
                    let data = buffer.bytes.extracting(offset..<offset + sectorSize)
                    let sum = sums.extracting(index * size..<(index + 1) * size)
                    if volume.checksumType.matches(data, stored: sum) { continue }
                    sink.error(
                        .data, block.place(slot, .checksumTree),
                        "the data at \(position + UInt64(offset)), copy \(mirror + 1), is not what its checksum says")
                }
                position += UInt64(count)
                report.verifiedByteCount += isRead ? UInt64(count) : 0
                tellDataProgress()
            }
        }
    }

    private func tellDataProgress() {
        options.progress?(CheckProgress(phase: .data, done: report.verifiedByteCount, total: checksums.count))
    }
}
