import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing

/// Room for data against a simple model: what was given out is free in the committed trees, and given out once.
@Suite struct DataAllocatorTests {
    static let sector: UInt64 = 4096

    @Test(arguments: [1 as UInt64, 2, 3])
    func givesOutEverySectorOnce(seed: UInt64) throws {
        let device = MemoryDevice(byteCount: 200 << 20)
        var options = VolumeOptions()
        options.seed = seed
        try Volume.create(on: device, options)
        let volume = try Volume(opening: [device])
        let before = volume.chunks.chunks.count
        var random = SeededGenerator(seed: seed)
        do {
            let transaction = try Transaction(on: volume)
            var model = RangeSet()
            var held: [Range<UInt64>] = []
            while true {
                let count = UInt64.random(in: 1...2000, using: &random) * Self.sector
                if let range = try Self.allocate(count, in: transaction) {
                    #expect(!range.isEmpty && UInt64(range.count) <= count)
                    #expect(range.lowerBound % Self.sector == 0 && range.upperBound % Self.sector == 0)
                    #expect(model.firstOverlap(range) == nil)
                    let chunk = try #require(volume.chunks.chunk(at: LogicalAddress(range.lowerBound)))
                    #expect(chunk.chunk.type.contains(.data) && range.upperBound <= chunk.end)
                    #expect(!Self.touchesSuperblock(range, volume))
                    model.insert(range)
                    held.append(range)
                } else {
                    break
                }
                if Int.random(in: 0..<4, using: &random) == 0, let last = held.indices.randomElement(using: &random) {
                    let range = held.remove(at: last)
                    transaction.giveBackData(range)
                    model.remove(range)
                }
            }
            #expect(transaction.allocatedChunk)
            #expect(volume.chunks.chunks.count > before)
            // All that is left are superblock copies, and less than a chunk's smallest size on the device.
            let data = volume.chunks.chunks.filter { $0.chunk.type.contains(.data) }
            let room = data.reduce(0) { $0 + $1.chunk.length }
            #expect(model.count <= room && room - model.count <= 3 * 65536)
            let chunkBytes = volume.chunks.chunks.reduce(0) { $0 + $1.chunk.length * UInt64($1.chunk.stripes.count) }
            #expect((200 << 20) - chunkBytes < (1 << 20) + (1 << 20) + 65536 * 16)
        }
        // The transaction was dropped: so were its chunks.
        #expect(volume.chunks.chunks.count == before)
        #expect(VolumeChecker(volume).run().findings.isEmpty)
    }

    /// What is excluded in between, here and there, is not given out, and nothing else is lost by it.
    @Test(arguments: [false, true], [1 as UInt64, 2])
    func givesOutNothingThatIsExcluded(isMixed: Bool, seed: UInt64) throws {
        var options = VolumeOptions()
        options.seed = seed
        options.hasMixedGroups = isMixed
        if isMixed { options.nodeSize = 4096 }
        let device = MemoryDevice(byteCount: 200 << 20)
        try Volume.create(on: device, options)
        let volume = try Volume(opening: [device])
        let transaction = try Transaction(on: volume)
        var random = SeededGenerator(seed: seed)
        var used = RangeSet()
        while true {
            let data = volume.chunks.chunks.filter { $0.chunk.type.contains(.data) }
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                let chunk = try #require(data.randomElement(using: &random))
                let first = UInt64.random(in: 0..<chunk.chunk.length / Self.sector, using: &random)
                let start = chunk.start.rawValue + first * Self.sector
                let range = start..<min(start + UInt64.random(in: 1...4, using: &random) * Self.sector, chunk.end)
                guard used.firstOverlap(range) == nil else { continue }
                try transaction.exclude(LogicalAddress(start), count: UInt64(range.count))
                used.insert(range)
            }
            let count = UInt64.random(in: 1...500, using: &random) * Self.sector
            guard let range = try Self.allocate(count, in: transaction) else { break }
            #expect(used.firstOverlap(range) == nil, "seed \(seed)")
            used.insert(range)
        }
        guard !isMixed else { return }
        let data = volume.chunks.chunks.filter { $0.chunk.type.contains(.data) }
        let room = data.reduce(0) { $0 + $1.chunk.length }
        #expect(used.count <= room && room - used.count <= 3 * 65536)
    }

    /// New extents, in any order and some of them used twice, are known before and after they are in the extent tree.
    @Test(arguments: [1 as UInt64, 2]) func newExtentsAreKnown(seed: UInt64) throws {
        var options = VolumeOptions()
        options.seed = seed
        let device = MemoryDevice(byteCount: 512 << 20)
        try Volume.create(on: device, options)
        let volume = try Volume(opening: [device])
        let transaction = try Transaction(on: volume)
        var random = SeededGenerator(seed: seed)
        let chunk = try #require(volume.chunks.chunks.first { $0.chunk.type.contains(.data) })
        let slots = Array(0..<chunk.chunk.length / (4 * Self.sector)).shuffled(using: &random)
        var known: [UInt64: UInt64] = [:]
        for (step, slot) in slots.prefix(3000).enumerated() {
            let start = chunk.start.rawValue + slot * 4 * Self.sector
            let count = UInt64.random(in: 1...4, using: &random) * Self.sector
            #expect(try transaction.extentState(at: LogicalAddress(start), count: count) == .free)
            let owner = DataReference(root: .fileTree, inode: ObjectID(300), offset: UInt64(step) << 20)
            try transaction.allocateDataExtent(at: LogicalAddress(start), count: count, reference: owner)
            known[start] = count
            if step % 700 == 500 {
                let again = try #require(known.keys.randomElement(using: &random))
                let other = DataReference(root: .fileTree, inode: ObjectID(301), offset: again)
                let count = try #require(known[again])
                try transaction.addReference(other, to: LogicalAddress(again), count: count)
                try Self.check(known, in: transaction)
            }
            if step == 1600 { try transaction.settle() }
        }
        try Self.check(known, in: transaction)
    }

    private static func check(_ known: [UInt64: UInt64], in transaction: Transaction) throws {
        for (start, count) in known {
            let address = LogicalAddress(start)
            #expect(try transaction.extentState(at: address, count: count) == .allocated)
            guard case .overlaps = try transaction.extentState(at: address, count: count + sector) else {
                Issue.record("an extent of another size is taken for the one at \(start)")
                return
            }
        }
    }

    /// Nil when there is no room.
    private static func allocate(
        _ count: UInt64, in transaction: Transaction
    ) throws(VolumeError) -> Range<UInt64>? {
        do throws(VolumeError) { return try transaction.allocateData(upTo: count) } catch {
            guard case .noSpace = error else { throw error }
            return nil
        }
    }

    private static func touchesSuperblock(_ range: Range<UInt64>, _ volume: Volume) -> Bool {
        Superblock.offsets.contains { offset in
            volume.chunks.logicalRanges(ofDevice: 1, offset: offset, count: 65536).contains { $0.overlaps(range) }
        }
    }

    /// New chunks of every kind are there after the commit, also when nothing else changed.
    @Test(arguments: [false, true]) func chunksOutliveTheCommit(isMixed: Bool) throws {
        let device = MemoryDevice(byteCount: 300 << 20)
        var options = VolumeOptions()
        options.seed = 1
        options.hasMixedGroups = isMixed
        if isMixed { options.nodeSize = 4096 }
        try Volume.create(on: device, options)
        let volume = try Volume(opening: [device])
        for _ in 0..<3 {
            let transaction = try Transaction(on: volume)
            while !transaction.allocatedChunk { _ = try transaction.allocateData(upTo: 1 << 20) }
            let count = volume.chunks.chunks.count
            try transaction.commit()
            let again = try Volume(opening: [device])
            #expect(again.chunks.chunks.count == count)
            let report = VolumeChecker(again).run()
            #expect(report.findings.isEmpty, "\(report.findings)")
        }
    }
}
