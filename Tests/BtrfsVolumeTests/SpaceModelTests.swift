import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing

/// Free space and checksums must behave like plain sets and maps of sectors, in whatever form the trees keep them.
@Suite struct SpaceModelTests {
    static let sector: UInt64 = 4096

    @Test(arguments: [1 as UInt64, 2, 3, 4])
    func rangeSetMatchesASetOfNumbers(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var set = RangeSet()
        var model = Set<UInt64>()
        for step in 0..<3000 {
            let start = UInt64.random(in: 0..<500, using: &random)
            let range = start..<start + UInt64.random(in: 0..<20, using: &random)
            if Bool.random(using: &random) {
                set.insert(range)
                model.formUnion(range)
            } else {
                set.remove(range)
                model.subtract(range)
            }
            #expect(set.count == UInt64(model.count), "seed \(seed) step \(step)")
            #expect((set.firstOverlap(range) != nil) == !model.isDisjoint(with: range))
            #expect(set.contains(range) == model.isSuperset(of: range))
        }
        #expect(Set(set.ranges.flatMap { Array($0) }) == model, "seed \(seed)")
        for (a, b) in zip(set.ranges, set.ranges.dropFirst()) { #expect(a.upperBound < b.lowerBound) }
    }

    /// Random sectors of one block group are allocated and freed, in both forms of the free space tree.
    @Test(arguments: [false, true], [1 as UInt64, 2])
    func freeSpaceTreeMatchesASet(usesBitmaps: Bool, seed: UInt64) throws {
        let volume = try Volume(opening: try Corpus.image(named: "create_fsync").load())
        let transaction = try Transaction(on: volume)
        let tree = try #require(try transaction.tree(.freeSpaceTree))
        let group = try emptyDataGroup(of: volume, in: tree)
        var model = try FreeSpaceScan.fromFreeSpaceTree(of: group, in: tree, sectorSize: Self.sector)
        if usesBitmaps { try convertToBitmaps(group, model, in: tree) }
        let free = FreeSpaceTree(tree: tree, sectorSize: Self.sector)
        var random = SeededGenerator(seed: seed)
        for step in 0..<1500 {
            let sectors = (group.upperBound - group.lowerBound) / Self.sector
            let from = min(UInt64.random(in: 0..<4000, using: &random), sectors - 1)
            let to = min(from + UInt64.random(in: 1..<40, using: &random), sectors)
            let range = group.lowerBound + from * Self.sector..<group.lowerBound + to * Self.sector
            if model.contains(range) {
                try free.remove(range, from: group)
                model.remove(range)
            } else if model.firstOverlap(range) == nil {
                try free.add(range, to: group)
                model.insert(range)
            } else {
                #expect(throws: VolumeError.self) {
                    if Bool.random(using: &random) {
                        try free.remove(range, from: group)
                    } else {
                        try free.add(range, to: group)
                    }
                }
                // A refused change may have begun: the tree starts over from what the model knows.
                try store(model, of: group, usesBitmaps: usesBitmaps, in: tree)
            }
            if step % 100 == 0 { try expect(tree, group, model, "seed \(seed) step \(step)") }
        }
        try expect(tree, group, model, "seed \(seed)")
    }

    private func expect(_ tree: Tree, _ group: Range<UInt64>, _ model: RangeSet, _ comment: Comment) throws {
        let found = try FreeSpaceScan.fromFreeSpaceTree(of: group, in: tree, sectorSize: Self.sector)
        #expect(found == model, comment)
        let cursor = tree.makeCursor()
        try #require(try cursor.seek(infoKey(group)))
        #expect(try FreeSpaceInfo(cursor.data).extentCount == UInt32(model.ranges.count), comment)
    }

    private func infoKey(_ group: Range<UInt64>) -> Key {
        Key(ObjectID(group.lowerBound), .freeSpaceInfo, group.upperBound - group.lowerBound)
    }

    /// A block group of data of at least 8 MiB.
    private func emptyDataGroup(of volume: Volume, in tree: Tree) throws -> Range<UInt64> {
        for chunk in volume.chunks.chunks where chunk.chunk.type.contains(.data) {
            let range = chunk.start.rawValue..<chunk.end
            if try tree.contains(infoKey(range)) { return range }
        }
        throw VolumeError.damaged("the image has no data block group")
    }

    private func convertToBitmaps(_ group: Range<UInt64>, _ model: RangeSet, in tree: Tree) throws {
        try store(model, of: group, usesBitmaps: true, in: tree)
    }

    /// Writes the items of one block group by hand.
    private func store(_ model: RangeSet, of group: Range<UInt64>, usesBitmaps: Bool, in tree: Tree) throws {
        var keys: [Key] = []
        let cursor = tree.makeCursor()
        try cursor.seek(Key(ObjectID(group.lowerBound), KeyType(0), 0))
        while cursor.isValid, cursor.key.objectID.rawValue < group.upperBound {
            keys.append(cursor.key)
            if try !cursor.next() { break }
        }
        for key in keys { try tree.remove(key) }
        var info = FreeSpaceInfo(extentCount: UInt32(model.ranges.count))
        info.usesBitmaps = usesBitmaps
        try tree.insert(infoKey(group), info.encoded.rawSpan)
        guard usesBitmaps else {
            for range in model.ranges {
                let key = Key(
                    ObjectID(range.lowerBound), .freeSpaceExtent, range.upperBound - range.lowerBound)
                try tree.insert(key, [UInt8]().rawSpan)
            }
            return
        }
        let step = 256 * 8 * Self.sector
        for start in stride(from: group.lowerBound, to: group.upperBound, by: Int(step)) {
            let end = min(start + step, group.upperBound)
            var bits = [UInt8](repeating: 0, count: Int((end - start) / Self.sector + 7) / 8)
            for sector in 0..<Int((end - start) / Self.sector) {
                let address = start + UInt64(sector) * Self.sector
                if model.contains(address..<address + Self.sector) { bits[sector / 8] |= 1 << UInt8(sector % 8) }
            }
            try tree.insert(Key(ObjectID(start), .freeSpaceBitmap, end - start), bits.rawSpan)
        }
    }

    /// Checksums of random runs of sectors are inserted and deleted against a dictionary.
    @Test(arguments: [4, 32], [1 as UInt64, 2])
    func checksumTreeMatchesADictionary(size: Int, seed: UInt64) throws {
        let volume = try Volume(opening: try Corpus.image(named: "create_fsync").load())
        let transaction = try Transaction(on: volume)
        let tree = try #require(try transaction.tree(.checksumTree))
        let sums = ChecksumTree(tree: tree, sectorSize: Self.sector, size: size)
        try sums.delete(0..<UInt64.max / 2)
        var random = SeededGenerator(seed: seed)
        var model: [UInt64: [UInt8]] = [:]
        for _ in 0..<1500 {
            let from = UInt64.random(in: 0..<3000, using: &random)
            let count = Int.random(in: 1..<(Int.random(in: 0..<8, using: &random) == 0 ? 600 : 12), using: &random)
            let addresses = (0..<UInt64(count)).map { (from + $0) * Self.sector }
            if Int.random(in: 0..<3, using: &random) > 0 {
                let bytes = random.bytes(count * size)
                try sums.insert(addresses[0], bytes.rawSpan)
                for (index, address) in addresses.enumerated() {
                    model[address] = Array(bytes[index * size..<(index + 1) * size])
                }
            } else {
                try sums.delete(addresses[0]..<addresses[count - 1] + Self.sector)
                for address in addresses { model[address] = nil }
            }
        }
        var found: [UInt64: [UInt8]] = [:]
        var end: UInt64 = 0
        let cursor = tree.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            #expect(cursor.key.offset >= end, "items overlap")
            let bytes = cursor.data.copied
            for index in 0..<bytes.count / size {
                found[cursor.key.offset + UInt64(index) * Self.sector] =
                    Array(bytes[index * size..<(index + 1) * size])
            }
            end = cursor.key.offset + UInt64(bytes.count / size) * Self.sector
            if try !cursor.next() { break }
        }
        #expect(found == model, "seed \(seed)")
    }
}
