internal import BlockDevices
internal import BtrfsVolume
internal import LuaRuntime
internal import TreeLog

/// An error of the file system as a script gets it.
struct WorkloadOperationError: Error, CustomStringConvertible {
    let code: String
    let description: String
}

/// A mounted volume in the hands of a script.
final class WorkloadSession {
    let devices: [any BlockDevice]
    let options: MountOptions
    private(set) var fileSystem: FileSystem
    /// The function of the script that uses it.
    let function: String
    /// By the numbers that scripts have.
    var files: [Int64: OpenFile] = [:]
    var nextFile: Int64 = 3
    /// Where the devices' writes are recorded; nil while nothing is to be cut.
    let recording: Recording?
    private(set) var steps: [WorkloadStep] = []
    /// The number of the operation that runs.
    private(set) var operationCount = 0
    /// Told of each operation when it is over.
    var observer: ((WorkloadStep) -> Void)?
    /// What the operation that runs tells of itself.
    var syncOutcome: SyncOutcome?
    var mark: String?
    var marks: Set<String> = []
    private var firstDeviceOperation = 0
    /// The longest string of the machine, in bytes.
    let stringLimit: Int

    init(
        _ devices: [any BlockDevice], _ options: MountOptions, for function: String, recording: Recording? = nil,
        stringLimit: Int
    ) throws(FileSystemError) {
        self.stringLimit = stringLimit
        self.function = function
        self.devices = devices
        self.options = options
        self.recording = recording
        fileSystem = try FileSystem(mounting: devices, options)
    }

    /// The report of the replay at the last mount.
    var replayReport: ReplayReport? { fileSystem.replayReport }

    // MARK: Operations

    func perform(_ call: WorkloadCall, _ operation: WorkloadOperations.Operation) throws -> LuaValue {
        operationCount += 1
        syncOutcome = nil
        mark = nil
        let before = recording?.operations.count ?? 0
        firstDeviceOperation = before
        do {
            let value = try operation(self, call)
            note(call, from: before, error: nil)
            return value
        } catch let error as FileSystemError {
            note(call, from: before, error: error.code.rawValue)
            throw WorkloadOperationError(code: error.code.rawValue, description: "\(error)")
        }
    }

    /// What the operation that runs has written, in bytes; 0 where nothing is recorded.
    var writtenByteCount: UInt64 {
        recording.map { $0.byteCount(of: firstDeviceOperation..<$0.operations.count) } ?? 0
    }

    private func note(_ call: WorkloadCall, from before: Int, error: String?) {
        let after = recording?.operations.count ?? 0
        let step = WorkloadStep(
            function: function, number: operationCount, name: call.entry.name, text: call.description, error: error,
            mark: mark,
            sync: syncOutcome, deviceOperations: before..<after,
            byteCount: recording?.byteCount(of: before..<after) ?? 0)
        if recording != nil { steps.append(step) }
        observer?(step)
    }

    /// Forgets all that is not durable, and mounts the volume again.
    func crash() throws(FileSystemError) {
        files = [:]
        fileSystem = try FileSystem(mounting: devices, options)
    }

    /// Unmounts the volume, and mounts it again.
    func remount() throws(FileSystemError) {
        try unmount()
        fileSystem = try FileSystem(mounting: devices, options)
    }

    func unmount() throws(FileSystemError) {
        files = [:]
        try fileSystem.unmount()
    }
}

extension Recording {
    /// How much these operations wrote.
    func byteCount(of operations: Range<Int>) -> UInt64 {
        self.operations[operations].reduce(0) { sum, operation in
            if case .write(_, let bytes) = operation.action { sum + UInt64(bytes.count) } else { sum }
        }
    }
}
