/// A device that breaks at a chosen moment and stays broken.
public final class FaultyDevice: BlockDevice {
    /// How the chosen operation goes wrong.
    public enum Fault: Equatable, Sendable {
        /// Nothing of the operation happens.
        case fail
        /// Of a write, this many sectors of `CrashPoint.sectorSize` bytes reach the base; a flush just fails.
        case tear(sectors: Int)
    }

    public var name: String { base.name }
    public var byteCount: UInt64 { base.byteCount }
    public var isReadOnly: Bool { base.isReadOnly }

    /// How many writes and flushes were asked for so far, the broken one included.
    public private(set) var operationCount = 0
    /// Whether the fault has happened.
    public var hasFailed: Bool { operationCount >= failing }

    private let base: any BlockDevice
    private let failing: Int
    private let fault: Fault

    /// Breaks at the `failing`-th write or flush, counted from 1; from then on reads fail too.
    /// With `Int.max` it only counts.
    public init(base: any BlockDevice, failing: Int, fault: Fault = .fail) {
        self.base = base
        self.failing = failing
        self.fault = fault
    }

    public func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        guard !hasFailed else { throw error(.read, offset, target.byteCount, .injected) }
        try base.read(into: &target, at: offset)
    }

    public func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        try checkWrite(offset, source.byteCount)
        let isFirst = countOperation()
        guard hasFailed else { return try base.write(source, at: offset) }
        if isFirst, case .tear(let sectors) = fault {
            let count = min(source.byteCount, sectors * CrashPoint.sectorSize)
            try base.write(source.extracting(first: count), at: offset)
        }
        throw error(.write, offset, source.byteCount, .injected)
    }

    public func flush() throws(DeviceError) {
        _ = countOperation()
        guard !hasFailed else { throw error(.flush, nil, nil, .injected) }
        try base.flush()
    }

    /// Returns whether the fault happens at this very operation.
    private func countOperation() -> Bool {
        if !hasFailed { operationCount += 1 } else { return false }
        return hasFailed
    }
}
