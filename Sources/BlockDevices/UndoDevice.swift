/// Saves what each write overwrites, so that `UndoFile.restore` can take everything back.
///
/// Writes are held in memory until `flush`. That first saves the old bytes of all of them to the undo file
/// and makes it durable, and only then writes to the base and flushes it. So at every moment the durable part
/// of the undo file covers all that the base may hold. Writes that were never flushed never reach the base.
public final class UndoDevice: BlockDevice {
    public var name: String { base.name }
    public var byteCount: UInt64 { base.byteCount }
    public var isReadOnly: Bool { base.isReadOnly }

    private let base: any BlockDevice
    private let index: Int
    private let writer: UndoWriter
    private let pending: OverlayDevice

    init(base: any BlockDevice, index: Int, writer: UndoWriter) {
        self.base = base
        self.index = index
        self.writer = writer
        pending = OverlayDevice(base: base)
    }

    public func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try pending.read(into: &target, at: offset)
    }

    public func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try checkWrite(offset, source.byteCount)
        try pending.write(source, at: offset)
    }

    /// After an error the writes are still held, and `flush` may be tried again.
    public func flush() throws(DeviceError) {
        let ranges = pending.writtenRanges.flatMap(Self.pieces)
        if !ranges.isEmpty {
            try writer.save(ranges, of: base, index: index)
            for range in ranges {
                let new = try pending.bytes(at: range.lowerBound, count: range.count)
                try base.write(new, at: range.lowerBound)
            }
        }
        try base.flush()
        pending.discardWrites()
    }

    private static func pieces(of range: Range<UInt64>) -> [Range<UInt64>] {
        let size = UInt64(UndoRecord.maximumDataCount)
        return stride(from: range.lowerBound, to: range.upperBound, by: Int(size)).map {
            $0..<min($0 + size, range.upperBound)
        }
    }
}

/// Appends epochs to an undo file.
final class UndoWriter {
    private let path: String
    private let file: File
    private var seal: UndoSeal
    private var epoch: UInt32 = 0

    /// Creates the file and makes it durable, with no records.
    init(path: String, deviceSizes: [UInt64]) throws(DeviceError) {
        var sizes: [UInt8] = []
        for size in deviceSizes { sizes.append(littleEndian: size) }
        seal = UndoSeal(deviceCount: deviceSizes.count, sizesChecksum: sizes.crc32c())
        self.path = path
        do throws(SystemError) {
            file = try File(path, .create)
            try file.write(RawSpan(_elements: sizes.span), at: UInt64(UndoSeal.byteCount))
            try file.write(RawSpan(_elements: seal.encoded.span), at: 0)
            try file.synchronize()
            try File.synchronizeFolder(of: path)
        } catch {
            throw DeviceError(device: path, operation: .create, reason: .system(code: error.code))
        }
    }

    /// Saves what `device` holds in `ranges`, as one epoch; durable when this returns.
    ///
    /// After an error the file is what it was before, as far as it is sealed.
    func save(
        _ ranges: [Range<UInt64>], of device: any BlockDevice, index: Int
    ) throws(DeviceError) {
        var next = seal
        for range in ranges {
            let old = try device.bytes(at: range.lowerBound, count: range.count)
            let record = UndoRecord(
                device: index, epoch: epoch, offset: range.lowerBound, oldBytes: old, after: next.checksum)
            try write(record.encoded + old, at: next.sealedByteCount)
            next.sealedByteCount += UInt64(UndoRecord.byteCount + old.count)
            next.recordCount += 1
            next.checksum = record.checksum
        }
        try synchronize()
        try write(next.encoded, at: 0)
        try synchronize()
        seal = next
        epoch += 1
    }

    private func write(_ bytes: [UInt8], at offset: UInt64) throws(DeviceError) {
        do throws(SystemError) {
            try file.write(RawSpan(_elements: bytes.span), at: offset)
        } catch {
            throw DeviceError(
                device: path, operation: .write, offset: offset, count: bytes.count,
                reason: .system(code: error.code))
        }
    }

    private func synchronize() throws(DeviceError) {
        do throws(SystemError) {
            try file.synchronizeData()
        } catch {
            throw DeviceError(device: path, operation: .flush, reason: .system(code: error.code))
        }
    }
}
