internal import BtrfsFormat

/// Where a stream of bytes goes.
public protocol ByteSink {
    /// Takes the next bytes.
    mutating func write(_ bytes: RawSpan) throws(VolumeError)
    /// Takes `count` zero bytes. What need not be written, as a hole of a file, can be skipped here.
    mutating func writeZeros(_ count: UInt64) throws(VolumeError)
}

extension ByteSink {
    /// Writes the zeros from one block of them, so that a hole costs no memory.
    public mutating func writeZeros(_ count: UInt64) throws(VolumeError) {
        let zeros = zeroBytes
        var left = count
        while left > 0 {
            let part = min(left, UInt64(zeros.count))
            try write(zeros.rawSpan.extracting(0..<Int(part)))
            left -= part
        }
    }

    /// Writes one after the other all bytes of an array.
    public mutating func write(_ bytes: [UInt8]) throws(VolumeError) { try write(bytes.rawSpan) }
}

/// Zeros that everybody shares.
private let zeroBytes = [UInt8](repeating: 0, count: 1 << 16)

/// Keeps all it gets, up to a limit.
public struct ByteCollector: ByteSink {
    public private(set) var bytes: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: with more bytes than this `write` throws.
    public init(limit: Int) { self.limit = limit }

    public mutating func write(_ bytes: RawSpan) throws(VolumeError) {
        guard bytes.byteCount <= limit - self.bytes.count else {
            throw .refused("more than \(limit) bytes are not kept in memory")
        }
        self.bytes += bytes.copied
    }
}
