import BlockDevices
import TestSupport
import Testing

/// Whatever happens while devices are written through an undo file, it brings the old bytes back; and an undo
/// file that is not whole changes nothing.
@Suite struct UndoTests {
    static let byteCount = 60_000

    static func makeBases(using random: inout SeededGenerator) throws -> [MemoryDevice] {
        let bases = (0..<2).map { MemoryDevice(byteCount: UInt64(byteCount), name: "base \($0)") }
        for base in bases { try base.write(random.bytes(byteCount), at: 0) }
        return bases
    }

    /// Writes and flushes at random until an error.
    static func use(_ devices: [any BlockDevice], using random: inout SeededGenerator) throws {
        for _ in 0..<30 {
            let device = devices[Int.random(in: 0..<2, using: &random)]
            if Int.random(in: 0..<4, using: &random) == 0 {
                try device.flush()
            } else {
                let write = ModelledWrite(byteCount: byteCount, using: &random)
                try device.write(write.bytes, at: write.offset)
            }
        }
        for device in devices { try device.flush() }
    }

    /// An undo file of two epochs and the devices it belongs to, after all was written.
    static func makeUndoFile(at path: String) throws -> (before: [MemoryDevice], after: [MemoryDevice]) {
        var random = SeededGenerator(seed: 21)
        let bases = try makeBases(using: &random)
        let before = bases.map { $0.copy() }
        let devices = try UndoFile.create(at: path, protecting: bases)
        try devices[0].write([1, 2, 3], at: 5)
        try devices[1].write([4, 5], at: 40_000)
        try devices[0].flush()
        try devices[1].flush()
        try devices[0].write([6, 7], at: 6)
        try devices[0].flush()
        return (before, bases)
    }

    /// The base breaks at each of its writes and flushes in turn: power cuts at every moment.
    @Test(arguments: 1...40)
    func restoresAfterACutAtAnyMoment(_ failing: Int) throws {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: UInt64(failing))
        let bases = try Self.makeBases(using: &random)
        let before = bases.map { $0.copy() }
        do {
            let first = FaultyDevice(base: bases[0], failing: failing, fault: .tear(sectors: failing % 4))
            try Self.use(
                try UndoFile.create(at: folder.file("undo"), protecting: [first, bases[1]]), using: &random)
        } catch is DeviceError {}

        // The restore breaks too, and is run again.
        let broken = FaultyDevice(base: bases[0], failing: failing / 2 + 1, fault: .tear(sectors: 1))
        try? UndoFile.restore(from: folder.file("undo"), to: [broken, bases[1]])
        try UndoFile.restore(from: folder.file("undo"), to: bases)
        for (base, old) in zip(bases, before) { #expect(base.contentEquals(old), "seed \(failing)") }
    }

    @Test func whatIsNotFlushedNeverReachesTheBase() throws {
        let folder = try TemporaryFolder()
        let base = MemoryDevice(byteCount: 8192)
        do {
            let device = try #require(UndoFile.create(at: folder.file("undo"), protecting: [base]).first)
            try device.write([1, 2, 3], at: 4000)
            #expect(try device.bytes(at: 3999, count: 3) == [0, 1, 2])
            #expect(try base.bytes(at: 4000, count: 3) == [0, 0, 0])
        }
        #expect(base.dataRanges.isEmpty)
    }

    @Test func flushCanBeTriedAgain() throws {
        let folder = try TemporaryFolder()
        let base = MemoryDevice(byteCount: 8192)
        let device = try #require(UndoFile.create(at: folder.file("undo"), protecting: [base]).first)
        try device.write([1, 2, 3], at: 4000)
        try device.flush()
        #expect(try base.bytes(at: 4000, count: 3) == [1, 2, 3])
        try UndoFile.restore(from: folder.file("undo"), to: [base])
        #expect(try base.bytes(at: 4000, count: 3) == [0, 0, 0])
        try device.flush()
        #expect(try base.bytes(at: 4000, count: 3) == [0, 0, 0])
    }

    @Test func longWritesAreCutIntoRecords() throws {
        let folder = try TemporaryFolder()
        let base = MemoryDevice(byteCount: 5 << 20)
        try base.write(SeededGenerator(seed: 5).firstBytes(3 << 20), at: 1 << 20)
        let before = base.copy()
        let device = try #require(UndoFile.create(at: folder.file("undo"), protecting: [base]).first)
        try device.write([UInt8](repeating: 9, count: 4 << 20), at: 1000)
        try device.flush()
        #expect(!base.contentEquals(before))
        try UndoFile.restore(from: folder.file("undo"), to: [base])
        #expect(base.contentEquals(before))
    }

    @Test func anUndoFileIsNeverReplaced() throws {
        let folder = try TemporaryFolder()
        _ = try Self.makeUndoFile(at: folder.file("undo"))
        let error = #expect(throws: DeviceError.self) {
            try UndoFile.create(at: folder.file("undo"), protecting: [])
        }
        #expect(error?.operation == .create)
    }

    @Test func anyChangedByteIsRefusedBeforeAnyWrite() throws {
        let folder = try TemporaryFolder()
        let (_, after) = try Self.makeUndoFile(at: folder.file("undo"))
        let file = try Fixtures.bytes(of: folder.file("undo"))
        // The rest of the first sector has no meaning.
        for position in file.indices where position < 40 || position >= 512 {
            var damaged = file
            damaged[position] ^= 0x10
            try Self.expectRefusal(of: damaged, at: folder.file("damaged-\(position)"), by: after)
        }
    }

    @Test func anyTruncationIsRefusedBeforeAnyWrite() throws {
        let folder = try TemporaryFolder()
        let (_, after) = try Self.makeUndoFile(at: folder.file("undo"))
        let file = try Fixtures.bytes(of: folder.file("undo"))
        for count in file.indices {
            try Self.expectRefusal(of: Array(file[..<count]), at: folder.file("cut-\(count)"), by: after)
        }
    }

    static func expectRefusal(of file: [UInt8], at path: String, by devices: [MemoryDevice]) throws {
        do {
            let target = try FileDevice.create(at: path, byteCount: UInt64(file.count))
            try target.write(file, at: 0)
        }
        let recording = Recording()
        let recorders = devices.map { RecordingDevice(base: $0, recording: recording) }
        let error = #expect(throws: DeviceError.self) { try UndoFile.restore(from: path, to: recorders) }
        #expect(recording.operations.isEmpty)
        let isExpected = error.map { $0.reason.isDamaged || $0.reason.isUnsuitable } ?? false
        #expect(isExpected, "\(path): \(String(describing: error))")
    }

    /// The end of an epoch that was being saved when the power went: none of it reached a device.
    @Test func whatFollowsTheSealMeansNothing() throws {
        let folder = try TemporaryFolder()
        let (before, after) = try Self.makeUndoFile(at: folder.file("undo"))
        let file = try Fixtures.bytes(of: folder.file("undo"))
        do {
            let longer = try FileDevice.create(at: folder.file("longer"), byteCount: UInt64(file.count + 100))
            try longer.write(file + SeededGenerator(seed: 8).firstBytes(100), at: 0)
        }
        try UndoFile.restore(from: folder.file("longer"), to: after)
        for (old, new) in zip(before, after) { #expect(old.contentEquals(new)) }
    }

    @Test func otherDevicesAreRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("undo")
        let (_, after) = try Self.makeUndoFile(at: path)
        let other = MemoryDevice(byteCount: UInt64(Self.byteCount) + 1, name: "other")
        for devices in [[after[0]], after + [other], [after[0], other], []] {
            let error = #expect(throws: DeviceError.self) { try UndoFile.restore(from: path, to: devices) }
            #expect(error?.reason.isUnsuitable == true)
        }
        let image = folder.file("image")
        try after[1].writeImage(to: image)
        let readOnly = try FileDevice(path: image, access: .readOnly)
        let error = #expect(throws: DeviceError.self) {
            try UndoFile.restore(from: path, to: [after[0], readOnly])
        }
        #expect(error?.reason == .readOnly)
    }
}

extension DeviceError.Reason {
    var isDamaged: Bool { if case .damaged = self { true } else { false } }
    var isUnsuitable: Bool { if case .unsuitable = self { true } else { false } }
}
