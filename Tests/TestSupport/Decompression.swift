internal import BlockDevices
internal import CZstd
internal import Glibc

// The one file of this target that says `unsafe`: it calls the zstd library.

/// A compressed image that is not what it should be.
public struct DecompressionError: Error, CustomStringConvertible {
    public let description: String
}

extension MemoryDevice {
    /// A device with the content of a zstd frame, which must say its size.
    ///
    /// The frame is decompressed at once and not as a stream: a stream has a window of its own, up to as large as
    /// the image, from which it copies everything once more. Large pages make the zeros, which are most of an image,
    /// three times as fast.
    convenience init(decompressing compressed: [UInt8], name: String) throws {
        let size = unsafe compressed.withUnsafeBytes { unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        guard size > 0, size <= 1 << 30 else {
            throw DecompressionError(description: "\(name): no zstd frame with an image of at most 1 GiB")
        }
        self.init(byteCount: size, name: name)
        let count = Int(size)
        let memory = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw DecompressionError(description: "\(name): no memory for its \(size) bytes")
        }
        defer { unsafe munmap(memory, count) }
        _ = unsafe madvise(memory, count, MADV_HUGEPAGE)
        let result = unsafe compressed.withUnsafeBytes {
            unsafe ZSTD_decompress(memory, count, $0.baseAddress, $0.count)
        }
        guard ZSTD_isError(result) == 0, result == count else {
            let reason = unsafe String(cString: ZSTD_getErrorName(result))
            throw DecompressionError(description: "\(name): \(reason)")
        }
        try write(unsafe RawSpan(_unsafeStart: memory, byteCount: count), at: 0)
    }
}
