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
