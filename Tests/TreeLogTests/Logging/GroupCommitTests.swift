import BlockDevices
import BtrfsVolume
import Glibc
import KernelOracle
import Synchronization
import TestSupport
import Testing
import TreeLog

/// Many tasks that make files durable at once.
@Suite struct GroupCommitTests {
    /// Many tasks at once on a volume on a file: such a device serves many threads.
    private func work(on path: String) async throws {
        let fileSystem = SharedFileSystem(
            try FileSystem(mounting: [try FileDevice(path: path, access: .readWrite)]))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for round in 0..<12 {
                        let name = "/w\(writer)-\(round)"
                        try fileSystem.withFileSystem { (fs) throws(FileSystemError) in
                            _ = try fs.create(name)
                            try fs.write(name, at: 0, [UInt8](repeating: UInt8(round + 1), count: 5000))
                        }
                        _ = try await fileSystem.fsync(name)
                        if writer == 0, round == 6 { try await fileSystem.sync() }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func allWhoWaitAreServed() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try MountedVolume("chmod_fsync").crash()[0].writeImage(to: path)
        try await work(on: path)
        // Nothing was committed at the end: what is there is in the log.
        let copy = OverlayDevice(base: try FileDevice(path: path, access: .readOnly))
        let text = "\(try MountedVolume.replayed([copy]))"
        for writer in 0..<8 {
            for round in 0..<12 { #expect(text.contains("w\(writer)-\(round)\"")) }
        }
    }

    /// What a log has that is on its way is not durable yet, also where an fsync of something else put it there.
    @Test func nobodyIsServedBeforeTheLogIsDurable() async throws {
        let device = SlowDevice(try MountedVolume("chmod_fsync").crash()[0])
        let fileSystem = SharedFileSystem(try FileSystem(mounting: [device]))
        try fileSystem.withFileSystem { (fs) throws(FileSystemError) in
            _ = try fs.makeDirectory("/top")
            try fs.sync()
            _ = try fs.makeDirectory("/top/below")
        }
        let observed = Observed()
        device.atNextFlush.withLock {
            $0 = {
                let task = Task {
                    _ = try await fileSystem.fsync("/top/below")
                    observed.events.withLock { $0.append("below is durable") }
                }
                observed.task.withLock { $0 = task }
                // Time to return too early.
                usleep(100_000)
                observed.events.withLock { $0.append("flushed") }
            }
        }
        _ = try await fileSystem.fsync("/top")
        try await observed.task.withLock { $0 }?.value
        #expect(observed.events.withLock { $0 } == ["flushed", "below is durable"])
    }

    /// A log for `/first` is durable; of the next one, for which several tasks wait, a write or one of the two flushes
    /// fails: once, or from then on.
    @Test(arguments: [BreakingDevice.Moment.write, .flush(3), .flush(4)], [true, false])
    fileprivate func allWhoWaitLearnThatALogFailed(_ moment: BreakingDevice.Moment, staysBroken: Bool) async throws {
        let folder = try TemporaryFolder()
        try MountedVolume("chmod_fsync").crash()[0].writeImage(to: folder.file("image"))
        let device = BreakingDevice(try FileDevice(path: folder.file("image"), access: .readWrite))
        let fileSystem = SharedFileSystem(try FileSystem(mounting: [device]))
        let others = (1...4).map { "/other\($0)" }
        try fileSystem.withFileSystem { (fs) throws(FileSystemError) in
            for name in ["/first"] + others { _ = try fs.create(name) }
        }
        let tasks = Mutex<[Task<SyncOutcome, any Error>]>([])
        device.arm(at: moment, staysBroken: staysBroken) { flush in
            // Half of them come while the first log is on its way, and half with the next one: they have time to join.
            let names = flush == 1 ? others.prefix(2) : others.suffix(2)
            tasks.withLock { $0 += names.map { name in Task { try await fileSystem.fsync(name) } } }
            usleep(50_000)
        }
        let first = try await fileSystem.fsync("/first")
        var codes: [Errno?] = []
        while let task = tasks.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
            switch await task.result {
            case .success: codes.append(nil)
            case .failure(let error): codes.append((error as? FileSystemError)?.code)
            }
        }
        if case .logged = first {} else { Issue.record("\(first)") }
        if staysBroken {
            // Who was in the write that failed is told so; who comes later finds a file system that takes no changes.
            #expect(codes.contains(.inputOutput))
            #expect(codes.allSatisfy { $0 == .inputOutput || $0 == .readOnly }, "\(codes)")
            await #expect(throws: FileSystemError.self) { try await fileSystem.sync() }
            await #expect(throws: FileSystemError.self) { _ = try await fileSystem.fsync("/first") }
        } else {
            // A commit has made them durable.
            #expect(codes == [nil, nil, nil, nil])
        }
        let text = "\(try MountedVolume.replayed([OverlayDevice(base: device.base)]))"
        #expect(text.contains("first\""))
        if !staysBroken { for name in others { #expect(text.contains("\(name.dropFirst())\"")) } }
    }
}

/// What happened in which order.
private final class Observed: Sendable {
    let events = Mutex<[String]>([])
    let task = Mutex<Task<Void, any Error>?>(nil)
}

/// A device that serves many threads, on which something can happen while it flushes.
private final class SlowDevice: BlockDevice, @unchecked Sendable {
    let atNextFlush = Mutex<(@Sendable () -> Void)?>(nil)
    private let base: MemoryDevice

    init(_ base: MemoryDevice) { self.base = base }

    var name: String { base.name }
    var byteCount: UInt64 { base.byteCount }
    var isReadOnly: Bool { base.isReadOnly }
    var servesManyThreads: Bool { true }

    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try base.read(into: &target, at: offset)
    }

    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) { try base.write(source, at: offset) }

    func flush() throws(DeviceError) {
        let action = atNextFlush.withLock { action in
            defer { action = nil }
            return action
        }
        action?()
        try base.flush()
    }
}

/// A device that serves many threads, and breaks.
private final class BreakingDevice: BlockDevice, @unchecked Sendable {
    enum Moment: Sendable {
        /// The first write after the second flush.
        case write
        /// One of the flushes, counted from 1.
        case flush(Int)
    }

    private struct Plan {
        var moment: Moment
        var staysBroken: Bool
        /// Told of the first and the third flush, as they begin.
        var observer: @Sendable (Int) -> Void
        var flushCount = 0
        var isBroken = false

        /// Whether this write or flush fails.
        mutating func fails(_ isFlush: Bool) -> Bool {
            if isFlush { flushCount += 1 }
            let isMoment =
                switch moment {
                case .write: !isFlush && flushCount == 2
                case .flush(let number): isFlush && flushCount == number
                }
            guard isMoment || isBroken && staysBroken else { return false }
            // Once is enough for what does not stay broken.
            defer { isBroken = true }
            return !isBroken || staysBroken
        }
    }

    let base: FileDevice
    private let plan = Mutex<Plan?>(nil)

    init(_ base: FileDevice) { self.base = base }

    var name: String { base.name }
    var byteCount: UInt64 { base.byteCount }
    var isReadOnly: Bool { false }
    var servesManyThreads: Bool { true }

    /// From now on flushes are counted.
    func arm(at moment: Moment, staysBroken: Bool, _ observer: @escaping @Sendable (Int) -> Void) {
        plan.withLock { $0 = Plan(moment: moment, staysBroken: staysBroken, observer: observer) }
    }

    private func check(_ operation: DeviceError.Operation) throws(DeviceError) {
        let (fails, after) = plan.withLock { plan in
            let fails = plan?.fails(operation == .flush) ?? false
            return (fails, plan)
        }
        if operation == .flush, let after, [1, 3].contains(after.flushCount) { after.observer(after.flushCount) }
        if fails { throw DeviceError(device: name, operation: operation, reason: .injected) }
    }

    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try base.read(into: &target, at: offset)
    }

    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try check(.write)
        try base.write(source, at: offset)
    }

    func flush() throws(DeviceError) {
        try check(.flush)
        try base.flush()
    }
}
