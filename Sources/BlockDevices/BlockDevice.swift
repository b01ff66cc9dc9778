/// Bytes that can be read and written at any offset, and that survive a power cut once they were flushed.
///
/// What a device promises is what a disk promises: a write is certain to be on the medium only after a later
/// `flush` returned; until then any subset of the writes since the last flush may be there, in any order.
/// A device is used by one thread at a time, unless it says that it serves several.
public protocol BlockDevice: AnyObject {
    /// What people call the device: a path, where it has one.
    var name: String { get }
    /// The size in bytes; it does not change.
    var byteCount: UInt64 { get }
    /// Whether `write` is refused.
    var isReadOnly: Bool { get }
    /// Whether several threads may read and write at the same time, ranges that do not overlap. Most kinds say no.
    var servesManyThreads: Bool { get }
    /// The bytes that may be other than zero, known without reading them. Most kinds say all.
    ///
    /// - Throws: `DeviceError` when the system cannot tell.
    var dataRanges: RangeSet<UInt64> { get throws(DeviceError) }

    /// Fills `target` with the bytes from `offset` on.
    ///
    /// - Throws: `DeviceError` when they do not lie within the device or cannot be read. What `target` holds
    ///   then is unspecified.
    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError)

    /// Writes all of `source` at `offset`.
    ///
    /// - Throws: `DeviceError` when the range does not lie within the device (nothing was written then), or
    ///   when the write failed, of which any part may have happened.
    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError)

    /// Returns when all that was written before is durable.
    ///
    /// - Throws: `DeviceError`; what is durable is unknown then.
    func flush() throws(DeviceError)
}

extension BlockDevice {
    public var servesManyThreads: Bool { false }
    public var dataRanges: RangeSet<UInt64> { RangeSet(0..<byteCount) }

    /// The `count` bytes from `offset` on, as an array.
    ///
    /// - Throws: `DeviceError`, before anything is allocated when the range does not lie within the device.
    public func bytes(at offset: UInt64, count: Int) throws(DeviceError) -> [UInt8] {
        try checkRange(offset, count, for: .read)
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var target = MutableRawSpan(_elements: &span)
        try read(into: &target, at: offset)
        return bytes
    }

    /// Writes `bytes` at `offset`.
    public func write(_ bytes: [UInt8], at offset: UInt64) throws(DeviceError) {
        try write(RawSpan(_elements: bytes.span), at: offset)
    }

    /// - Throws: `DeviceError` when the `count` bytes from `offset` on do not lie within the device.
    func checkRange(
        _ offset: UInt64, _ count: Int, for operation: DeviceError.Operation
    ) throws(DeviceError) {
        guard let size = UInt64(exactly: count), size <= byteCount, offset <= byteCount - size else {
            throw error(operation, offset, count, .outOfBounds(byteCount: byteCount))
        }
    }

    /// - Throws: `DeviceError` when the device is read-only or the range does not lie within it.
    func checkWrite(_ offset: UInt64, _ count: Int) throws(DeviceError) {
        guard !isReadOnly else { throw error(.write, offset, count, .readOnly) }
        try checkRange(offset, count, for: .write)
    }

    /// An error of this device.
    func error(
        _ operation: DeviceError.Operation, _ offset: UInt64?, _ count: Int?, _ reason: DeviceError.Reason
    ) -> DeviceError {
        DeviceError(device: name, operation: operation, offset: offset, count: count, reason: reason)
    }
}
