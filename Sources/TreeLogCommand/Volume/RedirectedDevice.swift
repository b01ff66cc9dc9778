internal import BlockDevices

/// A device whose writes and reads go to another one, which can be exchanged: so a replay works on the original
/// until it is known to succeed, and only then is decided where its commit goes.
final class RedirectedDevice: BlockDevice {
    /// Must hold the same bytes as the one before when it is exchanged.
    var target: any BlockDevice

    init(_ target: any BlockDevice) { self.target = target }

    var name: String { target.name }
    var byteCount: UInt64 { target.byteCount }
    var isReadOnly: Bool { target.isReadOnly }
    var servesManyThreads: Bool { target.servesManyThreads }

    func read(into bytes: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try target.read(into: &bytes, at: offset)
    }

    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try target.write(source, at: offset)
    }

    func flush() throws(DeviceError) { try target.flush() }
}
