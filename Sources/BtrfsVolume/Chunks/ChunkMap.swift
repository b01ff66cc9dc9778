public import BtrfsFormat

/// A run of bytes on one device.
public struct PhysicalRange: Equatable, Sendable {
    /// The number of the device in the volume.
    public var deviceID: UInt64
    /// Where the run starts on the device, in bytes.
    public var offset: UInt64
    /// How many bytes it has.
    public var count: Int
}

/// One chunk of the volume: a range of logical addresses and where its copies lie.
public struct MappedChunk: Sendable {
    /// The first logical address of the chunk.
    public let start: LogicalAddress
    /// The item that the chunk tree has of it.
    public let chunk: Chunk

    /// The logical address behind the last one.
    public var end: UInt64 { start.rawValue + chunk.length }
    /// How the chunk is spread over devices: its flags without the type.
    public var profile: BlockGroupFlags { chunk.type.profile }
}

/// Translates logical addresses to places on devices.
///
/// The corresponding kernel function is `btrfs_map_block`.
public struct ChunkMap: Sendable {
    /// All chunks by ascending start; they do not overlap.
    public private(set) var chunks: [MappedChunk] = []

    /// A map without chunks.
    public init() {}

    /// Adds a chunk.
    ///
    /// - Throws: `VolumeError.damaged` when the chunk contradicts itself or overlaps another one.
    public mutating func insert(_ chunk: Chunk, at start: LogicalAddress) throws(VolumeError) {
        try Self.check(chunk, at: start)
        let index = firstIndex(endingAfter: start.rawValue)
        if index < chunks.count, chunks[index].start.rawValue < start.rawValue + chunk.length {
            if chunks[index].start == start, chunks[index].chunk == chunk { return }
            throw .damaged("chunk at \(start) overlaps the chunk at \(chunks[index].start)")
        }
        chunks.insert(MappedChunk(start: start, chunk: chunk), at: index)
    }

    /// Takes out the chunk that starts at `start`.
    mutating func remove(at start: LogicalAddress) {
        let index = firstIndex(endingAfter: start.rawValue)
        if index < chunks.count, chunks[index].start == start { chunks.remove(at: index) }
    }

    private static func check(_ chunk: Chunk, at start: LogicalAddress) throws(VolumeError) {
        func refuse(_ what: String) -> VolumeError { .damaged("chunk at \(start): \(what)") }
        // No volume comes near this limit; below it sums of addresses and sizes cannot overflow.
        guard chunk.length > 0, chunk.length <= limit, start.rawValue <= limit - chunk.length else {
            throw refuse("impossible length \(chunk.length)")
        }
        guard !chunk.stripes.isEmpty else { throw refuse("no stripes") }
        guard chunk.stripeLength == stripeLength else {
            throw refuse("stripe length \(chunk.stripeLength), not \(stripeLength)")
        }
        for stripe in chunk.stripes where stripe.physical > limit - chunk.length {
            throw refuse("stripe at \(stripe.physical) of device \(stripe.deviceID) lies beyond any device")
        }
        let count = chunk.stripes.count
        switch chunk.type.profile {
        case []: guard count == 1 else { throw refuse("\(count) stripes in a single chunk") }
        case .raid10:
            guard chunk.subStripes == 2, count % 2 == 0 else {
                throw refuse("\(count) stripes in groups of \(chunk.subStripes), not of 2")
            }
        case .raid5, .raid6:
            guard count > (chunk.type.profile == .raid5 ? 1 : 2) else { throw refuse("\(count) stripes") }
        case .dup, .raid1: guard count == 2 else { throw refuse("\(count) copies of a chunk that has 2") }
        case .raid1c3: guard count == 3 else { throw refuse("\(count) copies of a chunk that has 3") }
        case .raid1c4: guard count == 4 else { throw refuse("\(count) copies of a chunk that has 4") }
        case .raid0: break
        default: throw refuse("unknown profile \(chunk.type)")
        }
    }

    @inline(__always) static var stripeLength: UInt64 { 65536 }
    /// Where chunks end at the latest, in addresses and on devices.
    private static var limit: UInt64 { 1 << 62 }

    private func firstIndex(endingAfter address: UInt64) -> Int {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if chunks[middle].end <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The chunk that holds `address`; nil when none does.
    ///
    /// - Complexity: O(log *n*).
    public func chunk(at address: LogicalAddress) -> MappedChunk? {
        let index = firstIndex(endingAfter: address.rawValue)
        guard index < chunks.count, chunks[index].start <= address else { return nil }
        return chunks[index]
    }

    /// What the chunk at `address` holds; nothing where no chunk is.
    func type(at address: LogicalAddress) -> BlockGroupFlags {
        let index = firstIndex(endingAfter: address.rawValue)
        return index < chunks.count && chunks[index].start <= address ? chunks[index].chunk.type : []
    }

    /// Up to where what begins at `address` lies in one piece on the devices, whatever the profile.
    func stripeEnd(at address: LogicalAddress) -> UInt64 {
        guard let mapped = chunk(at: address) else { return address.rawValue }
        let row = (address.rawValue - mapped.start.rawValue) / Self.stripeLength
        return min(mapped.start.rawValue + (row + 1) * Self.stripeLength, mapped.end)
    }

    /// How many copies there are of what is at `address`; 0 where no chunk is.
    public func copyCount(at address: LogicalAddress) -> Int {
        guard let mapped = chunk(at: address) else { return 0 }
        switch mapped.profile {
        case .dup, .raid1, .raid1c3, .raid1c4: return mapped.chunk.stripes.count
        case .raid10: return Int(mapped.chunk.subStripes)
        default: return 1
        }
    }

    /// Where copy number `copy` of `count` bytes at `address` lies, in pieces that are contiguous on a device.
    ///
    /// - Throws: `VolumeError.damaged` when the range is not covered by chunks.
    public func physicalRanges(
        of address: LogicalAddress, count: Int, copy: Int
    ) throws(VolumeError) -> [PhysicalRange] {
        var ranges: [PhysicalRange] = []
        var position = address.rawValue
        var rest = count
        while rest > 0 {
            guard let mapped = chunk(at: LogicalAddress(position)) else {
                throw .damaged("no chunk holds address \(position)", block: address)
            }
            let offset = position - mapped.start.rawValue
            let (stripe, physical, run) = Self.place(offset, copy: copy, in: mapped.chunk)
            let piece = Int(min(UInt64(rest), run, mapped.end - position))
            ranges.append(
                PhysicalRange(deviceID: mapped.chunk.stripes[stripe].deviceID, offset: physical, count: piece))
            position += UInt64(piece)
            rest -= piece
        }
        return ranges
    }

    /// Tells all places of `count` bytes at `address`, of all copies: where on which device, and which of the bytes are
    /// there.
    ///
    /// - Throws: `VolumeError.damaged` when the range is not covered by chunks; what `body` throws.
    func forEachPlace(
        of address: LogicalAddress, count: Int, _ body: (PhysicalRange, Range<Int>) throws(VolumeError) -> Void
    ) throws(VolumeError) {
        for copy in 0..<copyCount(at: address) {
            var done = 0
            for range in try physicalRanges(of: address, count: count, copy: copy) {
                try body(range, done..<done + range.count)
                done += range.count
            }
        }
    }

    /// Stripe, address on its device and contiguous bytes from `offset` of a chunk on.
    private static func place(
        _ offset: UInt64, copy: Int, in chunk: Chunk
    ) -> (stripe: Int, physical: UInt64, run: UInt64) {
        let count = chunk.stripes.count
        let row = offset / stripeLength
        let within = offset % stripeLength
        func striped(_ stripe: Int, row: UInt64) -> (Int, UInt64, UInt64) {
            (stripe, chunk.stripes[stripe].physical + row * stripeLength + within, stripeLength - within)
        }
        switch chunk.type.profile {
        case .raid0:
            return striped(Int(row % UInt64(count)), row: row / UInt64(count))
        case .raid10:
            let copies = Int(chunk.subStripes)
            let groups = UInt64(count / copies)
            return striped(Int(row % groups) * copies + min(copy, copies - 1), row: row / groups)
        case .raid5, .raid6:
            // Data stripes rotate to the left by one each full row; the parity stripes follow them.
            let data = UInt64(count - (chunk.type.profile == .raid5 ? 1 : 2))
            let fullRow = row / data
            return striped(Int((fullRow + row % data) % UInt64(count)), row: fullRow)
        default:
            let stripe = min(copy, count - 1)
            return (stripe, chunk.stripes[stripe].physical + offset, chunk.length - offset)
        }
    }

    /// The logical ranges whose copies lie in `count` bytes at `offset` of a device.
    ///
    /// - Complexity: O(*n*) for the chunks of the volume.
    public func logicalRanges(
        ofDevice deviceID: UInt64, offset: UInt64, count: UInt64
    ) -> [Range<UInt64>] {
        chunks.flatMap { Self.logicalRanges(ofDevice: deviceID, offset: offset, count: count, in: $0) }
    }

    /// The addresses of one chunk whose copies lie in `count` bytes at `offset` of a device.
    ///
    /// What lies where a superblock copy is must never be allocated. The corresponding kernel function is
    /// `btrfs_rmap_block`.
    static func logicalRanges(
        ofDevice deviceID: UInt64, offset: UInt64, count: UInt64, in mapped: MappedChunk
    ) -> [Range<UInt64>] {
        var result: [Range<UInt64>] = []
        let length = stripeByteCount(mapped.chunk)
        for (index, stripe) in mapped.chunk.stripes.enumerated() where stripe.deviceID == deviceID {
            let from = max(offset, stripe.physical)
            let to = min(offset + count, stripe.physical + length)
            guard from < to else { continue }
            result += logicalRanges(from - stripe.physical..<to - stripe.physical, stripe: index, in: mapped)
        }
        return result
    }

    /// How many bytes of a device one stripe of `chunk` takes.
    static func stripeByteCount(_ chunk: Chunk) -> UInt64 {
        let count = UInt64(chunk.stripes.count)
        switch chunk.type.profile {
        case .raid0: return chunk.length / count
        case .raid10: return chunk.length / (count / UInt64(chunk.subStripes))
        case .raid5: return chunk.length / (count - 1)
        case .raid6: return chunk.length / (count - 2)
        default: return chunk.length
        }
    }

    private static func logicalRanges(
        _ range: Range<UInt64>, stripe: Int, in mapped: MappedChunk
    ) -> [Range<UInt64>] {
        let start = mapped.start.rawValue
        let count = UInt64(mapped.chunk.stripes.count)
        let groups: UInt64
        let group: UInt64
        switch mapped.profile {
        case .raid0: (groups, group) = (count, UInt64(stripe))
        case .raid10:
            groups = count / UInt64(mapped.chunk.subStripes)
            group = UInt64(stripe) / UInt64(mapped.chunk.subStripes)
        case .raid5, .raid6:
            // Never allocated from; the whole rows are named.
            let data = count - (mapped.profile == .raid5 ? 1 : 2)
            let first = range.lowerBound / stripeLength * data * stripeLength
            let last = (range.upperBound + stripeLength - 1) / stripeLength * data * stripeLength
            return [min(start + first, mapped.end)..<min(start + last, mapped.end)]
        default: return [start + range.lowerBound..<start + range.upperBound]
        }
        let rows = range.lowerBound / stripeLength..<(range.upperBound + stripeLength - 1) / stripeLength
        return rows.compactMap { row in
            // A chunk that is no multiple of its stripes ends within a row.
            let from = start + (row * groups + group) * stripeLength
            return from < mapped.end ? from..<min(from + stripeLength, mapped.end) : nil
        }
    }
}
