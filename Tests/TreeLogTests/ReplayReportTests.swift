import BtrfsFormat
import TestSupport
import Testing

@testable import TreeLog

/// What a report says of inodes, in whatever order they are touched.
@Suite struct ReplayReportTests {
    /// Against a dictionary: ascending and in turns with a few directories, as logs have them, and at random.
    @Test(arguments: Seeds.first(20))
    func countsPerInode(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var report = SubvolumeReport(subvolume: ObjectID(5))
        var expected: [ObjectID: UInt32] = [:]
        var order: [ObjectID] = []
        for step in 0..<2000 {
            let number: UInt64 =
                switch random.next(upperBound: UInt64(8)) {
                case 0...2: UInt64(1000 + step / 2)
                case 3...5: 257 + random.next(upperBound: UInt64(3))
                default: 257 + random.next(upperBound: UInt64(2000))
                }
            let inode = ObjectID(number)
            if expected[inode] == nil { order.append(inode) }
            expected[inode, default: 0] += 1
            report.update(inode) { $0.addedNameCount += 1 }
        }
        #expect(report.inodes.map(\.inode) == order)
        #expect(report.inodes.allSatisfy { expected[$0.inode] == $0.addedNameCount })
    }
}
