import BlockDevices
import TestSupport
import Testing

/// A recording gives every state that a power cut can leave, and no other.
@Suite struct RecordingTests {
    static let byteCount = 200_000

    /// Two devices that are used at random, and what was done to them, to build states by hand.
    struct History {
        let bases = (0..<2).map { _ in MemoryDevice(byteCount: UInt64(RecordingTests.byteCount)) }
        let recording = Recording()
        /// nil is a flush.
        var steps: [(device: Int, write: ModelledWrite?)] = []

        init(using random: inout SeededGenerator) throws {
            for base in bases { try base.write(random.bytes(5000), at: 3000) }
            let devices = bases.map { RecordingDevice(base: $0, recording: recording) }
            for _ in 0..<40 {
                let device = Int.random(in: 0..<2, using: &random)
                if Int.random(in: 0..<5, using: &random) == 0 {
                    try devices[device].flush()
                    steps.append((device, nil))
                } else {
                    let write = ModelledWrite(byteCount: RecordingTests.byteCount, using: &random)
                    try devices[device].write(write.bytes, at: write.offset)
                    steps.append((device, write))
                }
            }
        }

        func unflushed(after count: Int) -> [Int] {
            (0..<count).filter { index in
                steps[index].write != nil
                    && !steps[index..<count].contains { $0.write == nil && $0.device == steps[index].device }
            }
        }

        func state(at point: CrashPoint) throws -> [[UInt8]] {
            var models = try bases.map { try $0.content() }
            for index in 0..<point.operationCount where !point.dropped.contains(index) {
                let torn = index == point.operationCount - 1 ? point.tornSectors.map { $0 * 512 } : nil
                steps[index].write?.apply(to: &models[steps[index].device], count: torn)
            }
            return models
        }
    }

    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func buildsEveryState(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let history = try History(using: &random)
        let recording = history.recording
        #expect(recording.operations.count == history.steps.count)
        for count in 0...history.steps.count {
            let unflushed = history.unflushed(after: count)
            #expect(recording.unflushedWrites(after: count) == unflushed, "seed \(seed), after \(count)")
            var points = [CrashPoint(after: count)]
            let some = unflushed.filter { _ in Bool.random(using: &random) }
            points.append(CrashPoint(after: count, dropping: Set(some)))
            if count > 0, let write = history.steps[count - 1].write {
                let sectors = Int.random(in: 0...write.bytes.count / 512 + 1, using: &random)
                points.append(CrashPoint(after: count, tornSectors: sectors))
            }
            for point in points {
                let state = try recording.state(at: point).map { try $0.content() }
                try #require(state == (try history.state(at: point)), "seed \(seed), \(point)")
            }
        }
    }

    @Test func epochsEndWithAFlush() throws {
        let device = RecordingDevice(base: MemoryDevice(byteCount: 4096))
        #expect(device.recording.epochs.isEmpty)
        try device.write([1], at: 0)
        try device.write([2], at: 1)
        try device.flush()
        try device.flush()
        try device.write([3], at: 2)
        #expect(device.recording.epochs == [0..<3, 3..<4, 4..<5])
        #expect(device.recording.unflushedWrites(after: 5) == [4])
        #expect(device.recording.unflushedWrites(after: 2) == [0, 1])
    }

    @Test func refusedWritesAreNotRecorded() throws {
        let device = RecordingDevice(base: MemoryDevice(byteCount: 10))
        #expect(throws: DeviceError.self) { try device.write([1], at: 10) }
        #expect(device.recording.operations.isEmpty)
    }
}

@Suite struct FaultyDeviceTests {
    static let faults: [FaultyDevice.Fault] = [.fail, .tear(sectors: 0), .tear(sectors: 2), .tear(sectors: 9)]

    @Test(arguments: 1...6, faults)
    func breaksOnceAndForGood(_ failing: Int, _ fault: FaultyDevice.Fault) throws {
        let base = MemoryDevice(byteCount: 10_000)
        let device = FaultyDevice(base: base, failing: failing, fault: fault)
        var model = [UInt8](repeating: 0, count: 10_000)
        for operation in 1...8 {
            let bytes = [UInt8](repeating: UInt8(operation), count: 1300)
            let isFlush = operation.isMultiple(of: 3)
            let offset = operation * 1000
            let attempt = Result {
                if isFlush { try device.flush() } else { try device.write(bytes, at: UInt64(offset)) }
            }
            #expect(((try? attempt.get()) != nil) == (operation < failing))
            var kept = operation < failing ? 1300 : 0
            if operation == failing, case .tear(let sectors) = fault { kept = min(1300, sectors * 512) }
            if !isFlush { model.replaceSubrange(offset..<offset + kept, with: bytes[..<kept]) }
            #expect(device.hasFailed == (operation >= failing))
        }
        #expect(device.operationCount == failing)
        #expect(try base.content() == model)
        #expect(throws: DeviceError.self) { try device.bytes(at: 0, count: 1) }
    }
}
