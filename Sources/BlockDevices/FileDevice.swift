/// A block device of the system, or an image in a file.
///
/// The file is locked (advisory, with `flock`) for as long as the device lives: one writer or any number of
/// readers. What is mounted or otherwise in use cannot be opened for writing.
public final class FileDevice: BlockDevice {
    /// What the device is opened for.
    public enum Access: Sendable { case readOnly, readWrite }

    public let name: String
    public let byteCount: UInt64
    public var isReadOnly: Bool { access == .readOnly }
    public var servesManyThreads: Bool { true }

    let file: File
    let isBlockDevice: Bool
    private let access: Access
    private var flushFailed = false

    /// Opens the block device or image file at `path`.
    ///
    /// - Throws: `DeviceError`: `.inUse` when another process holds it, or when it is opened for writing and
    ///   is mounted or backs a loop device; `.unsuitable` when it is neither a file nor a block device, or takes no
    ///   writes.
    public convenience init(path: String, access: Access) throws(DeviceError) {
        do throws(SystemError) {
            let status = try FileStatus(path: path)
            guard status.kind == .blockDevice || status.kind == .regular else { throw .notADevice }
            let mode: File.Mode =
                switch (access, status.kind) {
                case (.readOnly, _): .read
                case (.readWrite, .blockDevice): .readWriteExclusive
                case (.readWrite, _): .readWrite
                }
            try self.init(path, try File(path, mode), access)
        } catch {
            throw Self.openingError(path, error)
        }
        if access == .readWrite, !isBlockDevice { try checkNoLoopDevice() }
    }

    /// A new image of `byteCount` zero bytes, all of it a hole.
    ///
    /// - Throws: `DeviceError`; in particular when there is something at `path` already.
    public static func create(at path: String, byteCount: UInt64) throws(DeviceError) -> FileDevice {
        do throws(SystemError) {
            let file = try File(path, .create)
            try file.setByteCount(byteCount)
            return try FileDevice(path, file, .readWrite)
        } catch {
            throw DeviceError(device: path, operation: .create, reason: .system(code: error.code))
        }
    }

    private init(_ path: String, _ file: consuming File, _ access: Access) throws(SystemError) {
        let status = try file.status
        switch status.kind {
        case .regular: byteCount = status.byteCount
        case .blockDevice: byteCount = try file.blockDeviceByteCount
        case .directory, .other: throw .notADevice
        }
        if status.kind == .blockDevice, access == .readWrite, try file.isReadOnlyBlockDevice { throw .readOnly }
        try file.lock(exclusive: access == .readWrite)
        self.name = path
        self.file = file
        self.access = access
        isBlockDevice = status.kind == .blockDevice
    }

    public func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        let count = target.byteCount
        try checkRange(offset, count, for: .read)
        do throws(SystemError) {
            guard try file.read(into: &target, at: offset) < count else { return }
        } catch {
            throw self.error(.read, offset, count, .system(code: error.code))
        }
        throw error(.read, offset, count, .endOfFile)
    }

    public func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try checkWrite(offset, source.byteCount)
        guard !flushFailed else { throw error(.write, offset, source.byteCount, .failedBefore) }
        do throws(SystemError) {
            try file.write(source, at: offset)
        } catch {
            throw self.error(.write, offset, source.byteCount, .system(code: error.code))
        }
    }

    /// As `BlockDevice.flush`. The system reports a failed write-back once and then forgets it, so after one
    /// failure every later write and flush of this device fails too.
    public func flush() throws(DeviceError) {
        guard !isReadOnly else { return }
        guard !flushFailed else { throw error(.flush, nil, nil, .failedBefore) }
        do throws(SystemError) {
            if isBlockDevice { try file.synchronize() } else { try file.synchronizeData() }
        } catch {
            flushFailed = true
            throw self.error(.flush, nil, nil, .system(code: error.code))
        }
    }

    public var dataRanges: RangeSet<UInt64> {
        get throws(DeviceError) {
            var ranges = RangeSet<UInt64>()
            var position: UInt64 = 0
            do throws(SystemError) {
                while position < byteCount, let data = try file.dataRange(from: position, to: byteCount) {
                    ranges.insert(contentsOf: min(data.lowerBound, byteCount)..<min(data.upperBound, byteCount))
                    position = data.upperBound
                }
            } catch { throw self.error(.read, position, nil, .system(code: error.code)) }
            return ranges
        }
    }

    private func checkNoLoopDevice() throws(DeviceError) {
        guard let status = try? file.status, let loop = loopDevice(backedBy: status.identity) else { return }
        throw error(.open, nil, nil, .inUse(explanation(ofImageBacking: loop)))
    }

    private static func openingError(_ path: String, _ error: SystemError) -> DeviceError {
        let reason: DeviceError.Reason =
            switch error {
            case .notADevice:
                .unsuitable("it is neither a block device nor an image file")
            case .readOnly: .readOnly
            case .wouldBlock:
                .inUse("it is in use by another process, or was given twice")
            case .busy:
                .inUse(
                    (try? FileStatus(path: path)).map {
                        explanation(ofBusyDevice: path, number: $0.deviceNumber)
                    } ?? error.description)
            default:
                .system(code: error.code)
            }
        return DeviceError(device: path, operation: .open, reason: reason)
    }
}
