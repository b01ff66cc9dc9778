/// All writes and flushes of one or several devices in the order in which they were asked for, and from that
/// every state in which a power cut could have left the devices.
///
/// The devices below are never written: what their users write stays in memory.
public final class Recording {
    /// One call of a device.
    public struct Operation: Sendable {
        /// What was done.
        public enum Action: Sendable {
            /// The offset is in bytes.
            case write(offset: UInt64, bytes: [UInt8])
            /// What was written before is durable.
            case flush
        }

        /// The number of the device, in the order in which they joined.
        public let device: Int
        /// What was done.
        public let action: Action

        /// Whether this is a flush and no write.
        public var isFlush: Bool { if case .flush = action { true } else { false } }
    }

    /// All that was done, in order.
    public private(set) var operations: [Operation] = []
    private var bases: [any BlockDevice] = []

    /// A recording without operations.
    public init() {}

    /// Adds a device and returns its number.
    func join(_ base: any BlockDevice) -> Int {
        bases.append(base)
        return bases.count - 1
    }

    func append(_ action: Operation.Action, device: Int) {
        operations.append(Operation(device: device, action: action))
    }

    /// The operations cut after each flush; the last epoch has no flush when the recording ends without one.
    public var epochs: [Range<Int>] {
        var epochs: [Range<Int>] = []
        var start = 0
        for (index, operation) in operations.enumerated() where operation.isFlush {
            epochs.append(start..<index + 1)
            start = index + 1
        }
        if start < operations.count { epochs.append(start..<operations.count) }
        return epochs
    }

    /// The writes among the first `count` operations that no flush of their device followed, so that a power
    /// cut at this moment may lose any of them. Indices into `operations`, ascending.
    public func unflushedWrites(after count: Int) -> [Int] {
        var flushed: Set<Int> = []
        var writes: [Int] = []
        for index in operations[..<count].indices.reversed() {
            let operation = operations[index]
            if operation.isFlush {
                flushed.insert(operation.device)
                if flushed.count == bases.count { break }
            } else if !flushed.contains(operation.device) {
                writes.append(index)
            }
        }
        return writes.reversed()
    }

    /// The devices as the power cut left them, each an overlay of its own over its base.
    ///
    /// - Precondition: the point exists in this recording: it drops unflushed writes only, and where it
    ///   tears, its last operation is a write that it does not drop.
    /// - Complexity: O(bytes written before the point).
    public func state(at point: CrashPoint) throws(DeviceError) -> [OverlayDevice] {
        if !point.dropped.isEmpty {
            precondition(
                point.dropped.isSubset(of: unflushedWrites(after: point.operationCount)),
                "only an unflushed write can be lost")
        }
        let devices = bases.map { OverlayDevice(base: $0) }
        for index in 0..<point.operationCount where !point.dropped.contains(index) {
            guard case .write(let offset, let bytes) = operations[index].action else { continue }
            let torn = index == point.operationCount - 1 ? point.tornSectors : nil
            let count = torn.map { min(bytes.count, $0 * CrashPoint.sectorSize) } ?? bytes.count
            let kept = RawSpan(_elements: bytes.span).extracting(first: count)
            try devices[operations[index].device].write(kept, at: offset)
        }
        return devices
    }
}

/// A moment at which the power goes, and what of the writes on their way reached the medium.
public struct CrashPoint: Hashable, Sendable {
    /// What a medium writes whole or not at all, in bytes.
    public static let sectorSize = 512

    /// How many operations were asked for before the cut.
    public var operationCount: Int
    /// The unflushed writes that were lost, as indices into `Recording.operations`.
    public var dropped: Set<Int>
    /// How many sectors of the last operation, a write, reached the medium; nil: all.
    public var tornSectors: Int?

    /// A cut after so many operations, with all that was written unless it is said to be lost.
    public init(after operationCount: Int, dropping dropped: Set<Int> = [], tornSectors: Int? = nil) {
        self.operationCount = operationCount
        self.dropped = dropped
        self.tornSectors = tornSectors
    }
}
