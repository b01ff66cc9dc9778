import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Logs of several blocks, written again and again to the same places, with operations that fail in between: wherever
/// the power goes, and whichever sectors of what was on its way are lost, all is as before the last fsync or as after.
@Suite struct TornLogTests {
    /// What the blocks of the log lie on.
    enum Layout: CaseIterable, Sendable {
        case smallNodes, duplicated, bigNodes, mirrored

        /// Of each block of a tree.
        var copyCount: Int { self == .duplicated || self == .mirrored ? 2 : 1 }

        func makeDevices() throws -> [MemoryDevice] {
            if self == .mirrored { return try Corpus.image(named: "mix_a.raid1").load() }
            var options = VolumeOptions()
            options.nodeSize = self == .smallNodes ? 4096 : self == .bigNodes ? 65536 : 16384
            options.metadataProfile = self == .duplicated ? .dup : .single
            let device = MemoryDevice(byteCount: 128 << 20)
            try Volume.create(on: device, options)
            return [device]
        }
    }

    @Test(arguments: Layout.allCases, Seeds.first(1)) func aTornLogIsNeverReached(layout: Layout, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let recording = Recording()
        let faults = Faults()
        let devices = try layout.makeDevices().map { StumblingDevice($0, recording, faults) }
        let fs = try FileSystem(mounting: devices)
        try fs.makeDirectory("/torn")
        for number in 0..<20 { try fs.create("/torn/\(number)") }
        try fs.sync()
        var states = [try JSONValue(parsing: fs.state())]
        var outcomes: [SyncOutcome] = []
        for round in 0..<50 {
            let begin = recording.operations.count
            let path = try change(fs, round, &random)
            states = [states[states.count - 1], try JSONValue(parsing: fs.state())]
            // Few, since a commit makes the logs small again.
            faults.operationsToCome = round % 20 == 19 ? Int.random(in: 0..<4, using: &random) : nil
            let beforeFsync = recording.operations.count
            outcomes.append(try fs.fsync(path))
            if case .logged = outcomes[round] {
                let written = recording.operations[beforeFsync...].prefix { !$0.isFlush }.map(\.bytes)
                let copies = Dictionary(grouping: written) { $0 }.values
                #expect(copies.allSatisfy { $0.count == layout.copyCount }, "round \(round)")
            }
            faults.operationsToCome = nil
            for _ in 0..<2 {
                let count = Int.random(in: begin...recording.operations.count, using: &random)
                let cut = try recording.tornState(after: count, &random)
                try expect(cut, oneOf: states, "round \(round), after \(count - begin) operations")
            }
            try expect(recording.tornState(after: recording.operations.count, &random), oneOf: [states[1]], "round \(round)")
        }
        let logged = outcomes.filter { if case .logged = $0 { true } else { false } }
        #expect(logged.count > 40 && outcomes.contains(.fullCommit(.failure)))
    }

    /// Changes something that an fsync of one path makes durable as a whole.
    private func change(_ fs: FileSystem, _ round: Int, _ random: inout SeededGenerator) throws -> String {
        let names = try fs.readDirectory("/torn").map { "/torn/" + String(decoding: $0.name, as: UTF8.self) }
        let path = try #require(names.randomElement(using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0: try fs.create("/torn/new\(round)")
        case 1: try fs.unlink(path)
        case 2: try fs.rename(path, to: "/torn/moved\(round)")
        case 3:
            try fs.write(path, at: UInt64.random(in: 0..<9000, using: &random), random.bytes(5000))
            return path
        default:
            let name = "user.\(Int.random(in: 0..<4, using: &random))"
            try fs.setXattr(path, name, random.bytes(Int.random(in: 1..<1500, using: &random)))
            return path
        }
        return "/torn"
    }

    private func expect(_ cut: [OverlayDevice], oneOf states: [JSONValue], _ moment: Comment) throws {
        let actual = try MountedVolume.replayed(cut)
        let isOneOfThem = states.contains { expected in
            StateComparison.compare(expected: expected, actual: actual, masks: ["*:*:ctime"]).isEmpty
        }
        #expect(isOneOfThem, moment)
    }
}

/// When the next operation of some devices fails.
private final class Faults {
    /// How many operations succeed before one fails; nil where none does.
    var operationsToCome: Int?

    func nextFails() -> Bool {
        guard let count = operationsToCome else { return false }
        operationsToCome = count == 0 ? nil : count - 1
        return count == 0
    }
}

/// A device that records what it does. A write that fails leaves its first sector, a flush that fails does nothing.
private final class StumblingDevice: BlockDevice {
    private let base: RecordingDevice
    private let faults: Faults

    init(_ base: any BlockDevice, _ recording: Recording, _ faults: Faults) {
        self.base = RecordingDevice(base: base, recording: recording)
        self.faults = faults
    }

    var name: String { base.name }
    var byteCount: UInt64 { base.byteCount }
    var isReadOnly: Bool { false }

    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try base.read(into: &target, at: offset)
    }

    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        guard faults.nextFails() else { return try base.write(source, at: offset) }
        try base.write(source.extracting(first: CrashPoint.sectorSize), at: offset)
        throw DeviceError(device: name, operation: .write, reason: .injected)
    }

    func flush() throws(DeviceError) {
        if faults.nextFails() { throw DeviceError(device: name, operation: .flush, reason: .injected) }
        try base.flush()
    }
}

extension Recording {
    /// The devices after so many operations, with some sectors of each write that may be lost.
    fileprivate func tornState(after count: Int, _ random: inout SeededGenerator) throws -> [OverlayDevice] {
        let open = unflushedWrites(after: count)
        let devices = try state(at: CrashPoint(after: count, dropping: Set(open)))
        let keptOfTen = Int.random(in: 0...10, using: &random)
        for index in open {
            guard case .write(let offset, let bytes) = operations[index].action else { continue }
            for start in stride(from: 0, to: bytes.count, by: CrashPoint.sectorSize) {
                guard Int.random(in: 0..<10, using: &random) < keptOfTen else { continue }
                let sector = Array(bytes[start..<min(start + CrashPoint.sectorSize, bytes.count)])
                try devices[operations[index].device].write(sector, at: offset + UInt64(start))
            }
        }
        return devices
    }
}

extension Recording.Operation {
    /// What it writes; nothing for a flush.
    fileprivate var bytes: [UInt8] {
        guard case .write(_, let bytes) = action else { return [] }
        return bytes
    }
}
