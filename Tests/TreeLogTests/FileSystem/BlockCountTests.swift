import BtrfsFormat
import Testing
import TreeLog

/// Sizes and counts of blocks after changes of ranges, as Linux 6.18 gave them for the same operations with an fsync
/// after each file.
@Suite struct BlockCountTests {
    @Test func sizesAndBlocksAreThoseOfLinux() throws {
        let volume = try MountedVolume()
        let fs = volume.fileSystem
        func expect(
            _ size: UInt64, sectors: UInt64, written count: Int = 0, sourceLocation: SourceLocation = #_sourceLocation,
            _ body: () throws -> Void
        ) throws {
            try fs.create("/probe")
            if count > 0 { try fs.write("/probe", at: 0, [UInt8](repeating: 1, count: count)) }
            try body()
            let item = try fs.stat("/probe").item
            #expect(item.size == size, sourceLocation: sourceLocation)
            #expect((item.nbytes + 4095) / 4096 == sectors, sourceLocation: sourceLocation)
            try volume.expectClean(sourceLocation: sourceLocation)
            try fs.unlink("/probe")
        }
        // A file that ends in the middle of a sector has that sector written when it grows, even where it was a hole.
        try expect(6000, sectors: 1) {
            try fs.truncate("/probe", to: 5000)
            try fs.truncate("/probe", to: 6000)
        }
        try expect(1000, sectors: 1, written: 100) { try fs.truncate("/probe", to: 1000) }
        try expect(8192, sectors: 2, written: 100) { try fs.allocate("/probe", at: 0, count: 8192) }
        try expect(100, sectors: 2, written: 100) { try fs.allocate("/probe", at: 0, count: 8192, keepSize: true) }
        try expect(5000, sectors: 5) {
            try fs.truncate("/probe", to: 5000)
            try fs.allocate("/probe", at: 0, count: 20_000, keepSize: true)
        }
        try expect(50_000, sectors: 0) {
            try fs.truncate("/probe", to: 50_000)
            try fs.punchHole("/probe", at: 5000, count: 100)
        }
        try expect(20_000, sectors: 5, written: 20_000) {
            try fs.punchHole("/probe", at: 5000, count: 100)
            try fs.punchHole("/probe", at: 9000, count: 5000)
        }
        try expect(100, sectors: 1, written: 100) { try fs.punchHole("/probe", at: 10, count: 20) }
        try expect(9001, sectors: 2, written: 100) { try fs.write("/probe", at: 9000, [2]) }
        try expect(100_001, sectors: 3, written: 5000) { try fs.write("/probe", at: 100_000, [2]) }
        try expect(30_000, sectors: 3) {
            try fs.truncate("/probe", to: 30_000)
            try fs.zeroRange("/probe", at: 5000, count: 100)
            try fs.zeroRange("/probe", at: 9000, count: 5000)
        }
        try expect(50_001, sectors: 13, written: 40_000) { try fs.zeroRange("/probe", at: 20_001, count: 30_000) }
        try expect(70_000, sectors: 2, written: 40_000) {
            try fs.truncate("/probe", to: 5001)
            try fs.truncate("/probe", to: 70_000)
        }
    }
}
