import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing

/// Logs, whose blocks are copied again each time that they were written.
@Suite struct LogBlocksTests {
    /// The tree remembers the ways to its last changes; a way into a block that was written leads to the past.
    @Test(arguments: [1, 400]) func itemsAreFoundAfterTheLogWasWritten(count: UInt64) throws {
        let volume = try Volume(opening: try Corpus.image(named: "chmod_fsync").load())
        let transaction = try Transaction(on: volume)
        let blocks = LogBlocks(of: transaction)
        let log = try blocks.makeTree()
        let key = { (number: UInt64) in Key(ObjectID(256 + number), .inodeItem, 0) }
        let bytes = [UInt8](repeating: 1, count: 160)
        for number in 0..<count { try log.put(key(2 * number), bytes.rawSpan) }
        for number in 0..<count {
            _ = blocks.takeUnwritten()
            try log.put(key(2 * number + 1), bytes.rawSpan)
            #expect(try log.contains(key(2 * number + 1)))
            #expect(try log.remove(key(2 * number)))
            #expect(try !log.contains(key(2 * number)))
        }
        let cursor = log.makeCursor()
        var found: [Key] = []
        try cursor.seek(key(0))
        while cursor.isValid {
            found.append(cursor.key)
            guard try cursor.next() else { break }
        }
        #expect(found == (0..<count).map { key(2 * $0 + 1) })
    }

    /// Blocks that a log does not need any more are not written, and others take their places.
    @Test func aLogThatShrinksLeavesItsPlaces() throws {
        let volume = try Volume(opening: try Corpus.image(named: "chmod_fsync").load())
        let blocks = LogBlocks(of: try Transaction(on: volume))
        let log = try blocks.makeTree()
        let keys = (0..<400).map { Key(ObjectID(256 + $0), .inodeItem, 0) }
        let bytes = [UInt8](repeating: 1, count: 160)
        var places: Set<LogicalAddress> = []
        var most = 0
        for _ in 0..<10 {
            for key in keys { try log.put(key, bytes.rawSpan) }
            var taken = blocks.takeUnwritten()
            most = max(most, taken.count)
            places.formUnion(taken.map(\.address))
            for key in keys { try log.remove(key) }
            taken = blocks.takeUnwritten()
            // Nothing where the same empty leaf was.
            #expect(taken.count <= 1)
            places.formUnion(taken.map(\.address))
        }
        #expect(most > 3)
        #expect(places.count <= 2 * most + 2)
    }

    /// Whatever is changed between two writes of a log, what is written since makes its blocks what they should be, and
    /// touches none of those that it had.
    @Test(arguments: Seeds.first(3)) func writtenSectorsMakeTheBlocks(seed: UInt64) throws {
        let volume = try Volume(opening: try Corpus.image(named: "chmod_fsync").load())
        let blocks = LogBlocks(of: try Transaction(on: volume))
        let logs = [try blocks.makeTree(), try blocks.makeTree()]
        var random = SeededGenerator(seed: seed)
        var disk: [UInt64: [UInt8]] = [:]
        var written = 0
        var live: Set<UInt64> = []
        for _ in 0..<300 {
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let log = logs[Int.random(in: 0...1, using: &random)]
                let number = UInt64.random(in: 256..<400, using: &random)
                let key = { (number: UInt64) in Key(ObjectID(number), .inodeItem, 0) }
                if try Bool.random(using: &random) && log.remove(key(number)) { continue }
                // Often the same again, so that a block is what another one was that is gone.
                let isUsual = Bool.random(using: &random)
                let size = isUsual ? 500 : Int.random(in: 1...900, using: &random)
                let bytes = [UInt8](repeating: isUsual ? 1 : .random(in: 1...9, using: &random), count: size)
                try log.put(key(number), bytes.rawSpan)
                // A leaf may go before it was written.
                guard Int.random(in: 0..<8, using: &random) == 0 else { continue }
                for near in number - 30...number + 30 { try log.remove(key(near)) }
                guard isUsual else { continue }
                for near in number - 30...number + 30 { try log.put(key(near), bytes.rawSpan) }
            }
            for write in blocks.takeUnwritten() {
                written += write.bytes.count
                #expect(!live.contains(write.address.rawValue / UInt64(volume.nodeSize)))
                for start in stride(from: 0, to: write.bytes.count, by: volume.sectorSize) {
                    disk[write.address.rawValue + UInt64(start)] = Array(write.bytes[start..<start + volume.sectorSize])
                }
            }
            live = []
            for log in logs { live.formUnion(try expect(log, on: disk, volume)) }
        }
        #expect(written < 300 * 6 * volume.nodeSize)
    }

    /// All blocks of a log are on the disk as they are in memory.
    ///
    /// - Returns: their addresses, by blocks.
    private func expect(_ log: Tree, on disk: [UInt64: [UInt8]], _ volume: Volume) throws -> Set<UInt64> {
        var blocks = [log.root]
        var numbers: Set<UInt64> = []
        while let block = blocks.popLast() {
            numbers.insert(block.address.rawValue / UInt64(volume.nodeSize))
            for start in stride(from: 0, to: volume.nodeSize, by: volume.sectorSize) {
                let sector = block.bytes.extracting(start..<start + volume.sectorSize)
                #expect(disk[block.address.rawValue + UInt64(start)] == sector.copied)
            }
            guard block.level > 0 else { continue }
            for slot in 0..<block.count { blocks.append(try log.child(at: slot, of: block)) }
        }
        return numbers
    }
}
