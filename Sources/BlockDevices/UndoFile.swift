/// A file with which all writes to the devices of a volume can be taken back.
public enum UndoFile {
    /// Creates the file at `path` and wraps each device in one that saves to it what it overwrites.
    ///
    /// - Throws: `DeviceError`; in particular when there is a file at `path` already: it may be the only way
    ///   back from an earlier run.
    public static func create(
        at path: String, protecting devices: [any BlockDevice]
    ) throws(DeviceError) -> [UndoDevice] {
        precondition(devices.count <= UndoSeal.maximumDeviceCount, "more devices than an undo file takes")
        let writer = try UndoWriter(path: path, deviceSizes: devices.map(\.byteCount))
        return devices.enumerated().map { UndoDevice(base: $1, index: $0, writer: writer) }
    }

    /// Writes the old bytes back, the last ones first, and flushes the devices.
    ///
    /// The whole file is checked before the first write. Epochs are taken back one by one with a flush after
    /// each, in the reverse of the order in which the devices were flushed, and an interrupted restore can be
    /// run again.
    ///
    /// - Parameters:
    ///   - path: the undo file; it stays.
    ///   - devices: in the order they had when the file was created.
    /// - Throws: `DeviceError`: `.damaged` when the file is cut off or any of it changed; `.unsuitable` when
    ///   the number or the sizes of the devices are not those of the file; `.readOnly`. Nothing was written
    ///   then.
    public static func restore(from path: String, to devices: [any BlockDevice]) throws(DeviceError) {
        let reader = try UndoReader(path: path)
        try reader.checkDevices(devices)
        for device in devices where device.isReadOnly {
            throw device.error(.undo, nil, nil, .readOnly)
        }
        let places = try reader.checkedPlaces(on: devices)
        for (index, place) in places.enumerated().reversed() {
            let device = devices[place.record.device]
            try device.write(try reader.oldBytes(of: place), at: place.record.offset)
            if index == 0 || places[index - 1].record.epoch != place.record.epoch { try device.flush() }
        }
    }
}

/// Reads and checks an undo file.
private final class UndoReader {
    /// A record, and where its old bytes are in the file.
    struct Place {
        let record: UndoRecord
        let dataOffset: UInt64
    }

    private let path: String
    private let file: File
    private let fileByteCount: UInt64
    private let seal: UndoSeal

    init(path: String) throws(DeviceError) {
        self.path = path
        do throws(SystemError) {
            file = try File(path, .read)
            fileByteCount = try file.status.byteCount
        } catch {
            throw DeviceError(device: path, operation: .open, reason: .system(code: error.code))
        }
        let first = try Self.bytes(of: file, path, fileByteCount, at: 0, count: UndoSeal.byteCount)
        do throws(UndoDamage) {
            seal = try UndoSeal(first)
        } catch {
            throw Self.damage(path, error.text)
        }
        guard seal.sealedByteCount <= fileByteCount, seal.sealedByteCount >= seal.recordsStart else {
            throw Self.damage(path, "it has \(fileByteCount) of \(seal.sealedByteCount) bytes")
        }
    }

    func checkDevices(_ devices: [any BlockDevice]) throws(DeviceError) {
        guard devices.count == seal.deviceCount else {
            throw unsuitable("it is for \(seal.deviceCount) devices, not for \(devices.count)")
        }
        let sizes = try deviceSizes()
        for (index, device) in devices.enumerated() {
            let size = sizes.littleEndian(UInt64.self, at: 8 * index)
            guard device.byteCount != size else { continue }
            throw unsuitable("it is for a device of \(size) bytes, \(device.name) has \(device.byteCount)")
        }
    }

    private func deviceSizes() throws(DeviceError) -> [UInt8] {
        try bytes(at: UInt64(UndoSeal.byteCount), count: 8 * seal.deviceCount)
    }

    /// All records in the order of the file; each was read and has the right checksum.
    func checkedPlaces(on devices: [any BlockDevice]) throws(DeviceError) -> [Place] {
        var places: [Place] = []
        var position = seal.recordsStart
        var checksum = try deviceSizes().crc32c()
        while position < seal.sealedByteCount {
            let place = try self.place(at: position, on: devices)
            let old = try oldBytes(of: place)
            guard place.record.expectedChecksum(of: old, after: checksum) == place.record.checksum else {
                throw damage("the checksum of the record at \(position) is wrong")
            }
            checksum = place.record.checksum
            position = place.dataOffset + UInt64(old.count)
            places.append(place)
        }
        guard UInt64(places.count) == seal.recordCount, checksum == seal.checksum else {
            throw damage("its records are not those that were sealed")
        }
        return places
    }

    private func place(at position: UInt64, on devices: [any BlockDevice]) throws(DeviceError) -> Place {
        let headerCount = UInt64(UndoRecord.byteCount)
        guard seal.sealedByteCount - position >= headerCount else {
            throw damage("the record at \(position) is cut off")
        }
        let record = UndoRecord(try bytes(at: position, count: UndoRecord.byteCount))
        let end = record.offset.addingReportingOverflow(UInt64(record.count))
        guard record.device < devices.count, record.count <= UndoRecord.maximumDataCount,
            seal.sealedByteCount - position - headerCount >= UInt64(record.count),
            !end.overflow, end.partialValue <= devices[record.device].byteCount
        else { throw damage("the record at \(position) makes no sense") }
        return Place(record: record, dataOffset: position + headerCount)
    }

    func oldBytes(of place: Place) throws(DeviceError) -> [UInt8] {
        try bytes(at: place.dataOffset, count: place.record.count)
    }

    private func bytes(at offset: UInt64, count: Int) throws(DeviceError) -> [UInt8] {
        try Self.bytes(of: file, path, fileByteCount, at: offset, count: count)
    }

    private static func bytes(
        of file: borrowing File, _ path: String, _ fileByteCount: UInt64, at offset: UInt64, count: Int
    ) throws(DeviceError) -> [UInt8] {
        guard offset <= fileByteCount, fileByteCount - offset >= UInt64(count) else {
            throw damage(path, "it is cut off")
        }
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var target = MutableRawSpan(_elements: &span)
        do throws(SystemError) {
            guard try file.read(into: &target, at: offset) < count else { return bytes }
        } catch {
            let reason = DeviceError.Reason.system(code: error.code)
            throw DeviceError(device: path, operation: .read, offset: offset, count: count, reason: reason)
        }
        throw damage(path, "it is cut off")
    }

    private func damage(_ text: String) -> DeviceError { Self.damage(path, text) }

    private static func damage(_ path: String, _ text: String) -> DeviceError {
        DeviceError(device: path, operation: .undo, reason: .damaged(text))
    }

    private func unsuitable(_ text: String) -> DeviceError {
        DeviceError(device: path, operation: .undo, reason: .unsuitable(text))
    }
}
