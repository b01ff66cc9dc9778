/// A point in time as it is stored: seconds since 1970 and nanoseconds, 12 bytes.
///
/// The corresponding on-disk structure is `btrfs_timespec`.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Seconds since 1970; negative before.
    public var seconds: Int64
    /// Nanoseconds since that second.
    public var nanoseconds: UInt32

    @inlinable public static var byteCount: Int { 12 }
    /// The beginning of 1970.
    @inlinable public static var zero: Timestamp { Timestamp(seconds: 0, nanoseconds: 0) }

    /// A moment.
    @inlinable
    public init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    @inlinable
    public static func < (a: Timestamp, b: Timestamp) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}

extension Timestamp: FieldValue {
    @inlinable public static var fieldByteCount: Int { byteCount }
    public static var fieldFormat: FieldFormat { .time }

    @inline(always) @inlinable
    public init(_ bytes: RawSpan, at position: Int) throws(FormatError) {
        seconds = Int64(bitPattern: try bytes.u64(at: position))
        nanoseconds = try bytes.u32(at: position &+ 8)
    }

    @inlinable
    public func store(in target: inout MutableRawSpan, at position: Int) {
        target.store(seconds, at: position)
        target.store(nanoseconds, at: position + 8)
    }
}

extension Timestamp: CustomStringConvertible {
    /// `1700000000.000000042`, seconds and nanoseconds.
    public var description: String {
        let digits = String(nanoseconds)
        return "\(seconds)." + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    }
}
