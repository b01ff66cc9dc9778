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
            #expect(taken.count == 1)
            places.formUnion(taken.map(\.address))
        }
        #expect(most > 3)
        #expect(places.count <= 2 * most + 2)
    }
}
