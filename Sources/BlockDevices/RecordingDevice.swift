/// Records what is written and flushed. Its user sees the writes; the base never does.
public final class RecordingDevice: BlockDevice {
    public var name: String { current.name }
    public var byteCount: UInt64 { current.byteCount }
    public var isReadOnly: Bool { false }

    /// What this device, and all others that share it, did so far.
    public let recording: Recording
    private let current: OverlayDevice
    private let index: Int

    /// Records the use of `base`. The devices of one volume share a recording, which keeps their order.
    public init(base: any BlockDevice, recording: Recording = Recording()) {
        self.recording = recording
        current = OverlayDevice(base: base)
        index = recording.join(base)
    }

    public func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try current.read(into: &target, at: offset)
    }

    public func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try current.write(source, at: offset)
        recording.append(.write(offset: offset, bytes: source.copied), device: index)
    }

    public func flush() throws(DeviceError) {
        recording.append(.flush, device: index)
    }
}
