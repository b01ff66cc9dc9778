import BlockDevices
import BtrfsFormat
import Synchronization
import TestSupport

/// A device that records what it does, serves many threads, and on which something can happen, or break, at a write or
/// flush.
final class StagedDevice: BlockDevice, @unchecked Sendable {
    /// A write or flush; flushes are counted from 1 on since the script began.
    enum Moment: Hashable, Sendable {
        /// The first write after a flush; with 0 the first of all.
        case write(afterFlush: Int)
        case flush(Int)
    }

    private struct Script {
        var flushCount = 0
        var hasWritten = false
        var actions: [Moment: @Sendable () -> Void] = [:]
        var failure: Moment?
        var staysBroken = false
        var isBroken = false

        /// What happens at the next operation, and whether it fails.
        mutating func next(isFlush: Bool) -> (action: (@Sendable () -> Void)?, fails: Bool) {
            var moment: Moment?
            if isFlush {
                flushCount += 1
                moment = .flush(flushCount)
            } else if !hasWritten {
                moment = .write(afterFlush: flushCount)
            }
            hasWritten = !isFlush
            let isMoment = moment != nil && moment == failure
            if isMoment { isBroken = true }
            return (moment.flatMap { actions[$0] }, isMoment || isBroken && staysBroken)
        }
    }

    let recording: Recording
    private let base: RecordingDevice
    private let script = Mutex(Script())

    init(_ base: any BlockDevice, recording: Recording = Recording()) {
        self.recording = recording
        self.base = RecordingDevice(base: base, recording: recording)
    }

    var name: String { base.name }
    var byteCount: UInt64 { base.byteCount }
    var isReadOnly: Bool { false }
    var servesManyThreads: Bool { true }

    /// Begins a new script: counts from here on, and nothing happens.
    func restart() { script.withLock { $0 = Script() } }

    /// Has something happen as an operation begins.
    func at(_ moment: Moment, _ action: @escaping @Sendable () -> Void) { script.withLock { $0.actions[moment] = action } }

    /// Has an operation fail of which nothing happens then: just this one, or all from this one on.
    func fail(at moment: Moment, staysBroken: Bool) {
        script.withLock { ($0.failure, $0.staysBroken) = (moment, staysBroken) }
    }

    /// Has everything succeed again.
    func mend() { script.withLock { ($0.failure, $0.isBroken) = (nil, false) } }

    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try base.read(into: &target, at: offset)
    }

    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try play(.write)
        try base.write(source, at: offset)
    }

    func flush() throws(DeviceError) {
        try play(.flush)
        try base.flush()
    }

    private func play(_ operation: DeviceError.Operation) throws(DeviceError) {
        let (action, fails) = script.withLock { $0.next(isFlush: operation == .flush) }
        action?()
        if fails { throw DeviceError(device: name, operation: operation, reason: .injected) }
    }
}

/// What was done to some devices one after the other: operations of the same kind together.
struct DeviceStep: Equatable, CustomStringConvertible {
    enum Kind: String {
        /// Blocks of logs.
        case log
        /// Blocks of all other trees.
        case block
        case data
        case flush
        /// The first superblock of a device.
        case superblock
        /// The other superblocks.
        case copy

        /// - Parameter logBlocks: where blocks of logs were written whole; parts of them may be written later.
        init(_ operation: Recording.Operation, nodeSize: Int, logBlocks: inout Set<[UInt64]>) {
            guard case .write(let offset, let bytes) = operation.action else {
                self = .flush
                return
            }
            if let index = Superblock.offsets.firstIndex(of: offset) {
                self = index == 0 ? .superblock : .copy
            } else if let header = Self.firstHeader(of: bytes, nodeSize: nodeSize) {
                self = header.owner == .treeLog ? .log : .block
                if self == .log { logBlocks.insert([UInt64(operation.device), offset]) }
            } else {
                let isInLog = stride(from: 0, to: min(UInt64(nodeSize), offset), by: 4096).contains {
                    logBlocks.contains([UInt64(operation.device), offset - $0])
                }
                self = isInLog ? .log : .data
            }
        }

        /// Of one block, or of several that lie side by side; nil where the bytes are something else.
        private static func firstHeader(of bytes: [UInt8], nodeSize: Int) -> BlockHeader? {
            guard bytes.count % nodeSize == 0 else { return nil }
            var first: BlockHeader?
            for start in stride(from: 0, to: bytes.count, by: nodeSize) {
                let block = Array(bytes[start..<start + nodeSize])
                guard let header = try? BlockHeader(block.rawSpan), header.address.rawValue != 0 else { return nil }
                if let first, header.address.rawValue != first.address.rawValue &+ UInt64(start) { return nil }
                first = first ?? header
            }
            return first
        }
    }

    var kind: Kind
    /// The numbers of the devices, by each operation.
    var devices: [Int]

    var description: String { "\(kind) \(devices)" }

    init(_ kind: Kind, _ devices: [Int]) { (self.kind, self.devices) = (kind, devices) }

    /// What was done from operation `start` on.
    static func steps(_ operations: [Recording.Operation], since start: Int, nodeSize: Int) -> [DeviceStep] {
        var steps: [DeviceStep] = []
        var logBlocks: Set<[UInt64]> = []
        for (number, operation) in operations.enumerated() {
            let kind = Kind(operation, nodeSize: nodeSize, logBlocks: &logBlocks)
            if number < start { continue }
            if steps.last?.kind == kind {
                steps[steps.count - 1].devices.append(operation.device)
            } else {
                steps.append(DeviceStep(kind, [operation.device]))
            }
        }
        return steps
    }
}
