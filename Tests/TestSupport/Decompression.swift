internal import BlockDevices
internal import CZstd
internal import Synchronization

// The one file of this target that says `unsafe`: it calls the zstd library.

/// A compressed image that is not what it should be.
public struct DecompressionError: Error, CustomStringConvertible {
    public let description: String
}

/// Buffers as large as images, kept for the next one: fresh memory takes longer than the decompression.
private let spareBuffers = Mutex<[[UInt8]]>([])

extension MemoryDevice {
    /// A device with the content of a zstd frame, which must say its size.
    ///
    /// The frame is decompressed at once and not as a stream: a stream has a window of its own, up to as
    /// large as the image, from which it copies everything once more.
    convenience init(decompressing compressed: [UInt8], name: String) throws {
        let size = unsafe compressed.withUnsafeBytes {
            unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count)
        }
        guard size > 0, size <= 1 << 30 else {
            throw DecompressionError(description: "\(name): no zstd frame with an image of at most 1 GiB")
        }
        self.init(byteCount: size, name: name)
        let count = Int(size)
        var buffer = spareBuffers.withLock { $0.popLast() } ?? []
        if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
        let result = unsafe buffer.withUnsafeMutableBytes { target in
            unsafe compressed.withUnsafeBytes { source in
                unsafe ZSTD_decompress(target.baseAddress, count, source.baseAddress, source.count)
            }
        }
        guard ZSTD_isError(result) == 0, result == count else {
            let reason = unsafe String(cString: ZSTD_getErrorName(result))
            throw DecompressionError(description: "\(name): \(reason)")
        }
        try write(RawSpan(_elements: buffer.span).extracting(first: count), at: 0)
        spareBuffers.withLock { $0.append(buffer) }
    }
}
