package import BtrfsFormat

/// A place for a block of a log, and what is known of the bytes that the devices have there.
struct LogBlockPlace {
    let address: LogicalAddress
    /// The block that was last written there by the running transaction; nil when none was or it is forgotten.
    let content: Content?

    /// A block as it was written.
    struct Content {
        let buffer: BlockBuffer
        let level: Int
        let firstKey: Key?

        /// Whether this seems to be an earlier version of `block`.
        func precedes(_ block: TreeBlock) -> Bool { level == block.level && firstKey == block.firstKey }
    }

    /// A place of which nothing is known.
    init(address: LogicalAddress) {
        self.address = address
        content = nil
    }

    /// Where `block` was written, which does not change any more.
    init(of block: TreeBlock) {
        address = block.address
        content = Content(buffer: block.buffer, level: block.level, firstKey: block.firstKey)
    }

    /// Adds what has to be written so that `bytes` are here: all, or the runs of sectors that differ from what is here.
    func addWrites(of bytes: RawSpan, sectorSize: Int, to writes: inout [BlockWrite]) {
        var start = 0
        while start < bytes.byteCount {
            var end = start
            while end < bytes.byteCount {
                let sector = end..<min(end + sectorSize, bytes.byteCount)
                let present = content?.buffer.bytes.extracting(sector)
                if present?.hasSameBytes(as: bytes.extracting(sector)) ?? false { break }
                end = sector.upperBound
            }
            if end > start {
                let address = LogicalAddress(rawValue: self.address.rawValue + UInt64(start))
                writes.append(BlockWrite(address: address, bytes: bytes.extracting(start..<end).copied))
            }
            start = end + sectorSize
        }
    }
}

/// Places for blocks of logs that no log needs any more.
struct LogBlockPlaces {
    /// Those of which nothing is known.
    private var addresses: [LogicalAddress] = []
    /// The last ones whose content is known: enough for the blocks that an fsync usually changes.
    private var known: [LogBlockPlace] = []
    private static var mostKnown: Int { 64 }

    mutating func add(_ places: [LogBlockPlace]) {
        for place in places {
            if place.content == nil { addresses.append(place.address) } else { known.append(place) }
        }
        let surplus = known.count - Self.mostKnown
        guard surplus > 0 else { return }
        addresses += known.prefix(surplus).map(\.address)
        known.removeFirst(surplus)
    }

    /// A place where an earlier version of `block` is, if possible, else one whose content serves no other block.
    mutating func take(for block: TreeBlock?) -> LogBlockPlace? {
        if let block, let index = known.lastIndex(where: { $0.content?.precedes(block) ?? false }) {
            return known.remove(at: index)
        }
        if let address = addresses.popLast() { return LogBlockPlace(address: address) }
        return known.isEmpty ? nil : known.removeFirst()
    }
}

/// Bytes that are to be written to a place.
package struct BlockWrite: Sendable {
    package var address: LogicalAddress
    package var bytes: [UInt8]
}

extension TreeBlock {
    fileprivate var firstKey: Key? { count == 0 ? nil : key(at: 0) }
}
