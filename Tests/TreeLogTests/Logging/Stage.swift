import BlockDevices
import BtrfsVolume
import Synchronization
import TestSupport
import Testing
import TreeLog

/// A shared file system and its tasks, which run one after the other and only when they are told to: each until it waits
/// for another one. So a test says who comes when, and waits for nothing.
final class Stage: Sendable {
    /// How an `fsync` or `sync` ended, and how many operations the device had done by then.
    struct Ending {
        var result: Result<SyncOutcome, Errno>
        var operationCount: Int
    }

    let device: StagedDevice
    let fileSystem: SharedFileSystem
    private let executor = StepExecutor()
    private let ends = Mutex<[String: Ending]>([:])

    /// Mounts a volume of the corpus and prepares it, by a commit; what the device does is counted from then on.
    init(_ image: String = "chmod_fsync", preparing: (FileSystem) throws -> Void = { _ in }) throws {
        device = StagedDevice(try MountedVolume(image).crash()[0])
        let mounted = try FileSystem(mounting: [device])
        try preparing(mounted)
        try mounted.sync()
        fileSystem = SharedFileSystem(try FileSystem(mounting: [device]))
        device.restart()
    }

    /// Changes something.
    func change(_ body: @Sendable (FileSystem) throws(FileSystemError) -> Void) throws {
        try fileSystem.withFileSystem(body)
    }

    /// Has a task fsync a file, once the tasks run.
    func fsync(_ path: String) { start(path) { try await self.fileSystem.fsync(path) } }

    /// Has a task commit, once the tasks run.
    func sync() {
        start("sync") {
            try await self.fileSystem.sync()
            return .nothingToDo
        }
    }

    /// Has a task do something, once the tasks run.
    func start(_ name: String, _ body: @escaping @Sendable () async throws -> SyncOutcome) {
        Task(executorPreference: executor) {
            let result: Result<SyncOutcome, Errno>
            do { result = .success(try await body()) } catch {
                result = .failure((error as? FileSystemError)?.code ?? .needsCleaning)
            }
            let end = Ending(result: result, operationCount: self.device.recording.operations.count)
            self.ends.withLock { $0[name] = end }
        }
    }

    /// Lets the tasks run until each has ended or waits.
    func run() { executor.run() }

    /// How the tasks ended that have, by the path of the file.
    var endings: [String: Ending] { ends.withLock { $0 } }

    func outcome(_ name: String) -> SyncOutcome? { try? endings[name]?.result.get() }

    func error(_ name: String) -> Errno? {
        guard case .failure(let code)? = endings[name]?.result else { return nil }
        return code
    }

    func isLogged(_ name: String) -> Bool { if case .logged? = outcome(name) { true } else { false } }

    /// What the device has done since the operation with a number.
    func steps(since start: Int = 0) throws -> [DeviceStep.Kind] {
        let nodeSize = try fileSystem.withFileSystem { (fs) throws(FileSystemError) in fs.volume.nodeSize }
        return DeviceStep.steps(device.recording.operations, since: start, nodeSize: nodeSize).map(\.kind)
    }

    /// Cuts the power after each operation since one, with all, none or all but one of the writes lost that may be, and
    /// expects that whatever was said to be durable by then is there.
    func expectNothingIsLost(since start: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let recording = device.recording
        for count in start...recording.operations.count {
            let open = recording.unflushedWrites(after: count)
            for dropped in [[], Set(open)] + open.map({ [$0] }) {
                let point = CrashPoint(after: count, dropping: dropped)
                let crashed = try FileSystem(mountingCut: try recording.state(at: point))
                for (path, end) in endings where end.operationCount <= count && path.hasPrefix("/") {
                    guard case .success = end.result else { continue }
                    let isThere = try crashed.exists(path)
                    #expect(isThere, "\(path) at \(point)", sourceLocation: sourceLocation)
                }
            }
        }
    }
}

extension FileSystem {
    /// Mounts what a power cut has left, to be read only: a log is replayed in memory.
    convenience init(mountingCut devices: [any BlockDevice]) throws(FileSystemError) {
        var options = MountOptions()
        options.isReadOnly = true
        try self.init(mounting: devices, options)
    }
}
