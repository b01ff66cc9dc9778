internal import BtrfsFormat
internal import CLZO
internal import CSodium
internal import CZlib
internal import CZstd

// The only file of this folder that calls C, and says `unsafe` for it. Every call gets a buffer together with
// its length, and the decompressors used are those that check both.

/// Undoes the compression of file extents. Keeps the decompressors' memory for the next extent.
@safe
final class Decompressor {
    /// The largest extent that may be compressed, before and after.
    static let maximumByteCount = 128 << 10

    private var zstd: OpaquePointer?

    deinit { unsafe _ = ZSTD_freeDCtx(zstd) }

    /// Decompresses `source` into `target`.
    ///
    /// - Parameter sectorSize: in bytes; it frames the data of LZO.
    /// - Returns: how many bytes of `target` were filled; nil when `source` is damaged.
    func decompress(
        _ compression: BtrfsFormat.Compression, _ source: RawSpan, into target: inout MutableRawSpan,
        sectorSize: Int
    ) -> Int? {
        unsafe target.withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in
                switch compression {
                case .zlib: unsafe inflateStream(source, target)
                case .lzo: unsafe lzo(source, target, sectorSize: sectorSize)
                case .zstd: unsafe zstd(source, target)
                default: nil
                }
            }
        }
    }

    private func inflateStream(
        _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        var stream = unsafe z_stream()
        let streamSize = unsafe Int32(MemoryLayout<z_stream>.size)
        guard unsafe inflateInit2_(&stream, 15, ZLIB_VERSION, streamSize) == Z_OK else { return nil }
        defer { unsafe _ = inflateEnd(&stream) }
        let input = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.next_in = UnsafeMutablePointer(mutating: input)
        unsafe stream.avail_in = UInt32(source.count)
        unsafe stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.avail_out = UInt32(target.count)
        let status = unsafe inflate(&stream, Z_SYNC_FLUSH)
        let produced = unsafe target.count - Int(stream.avail_out)
        // What comes behind the bytes that were asked for does not matter, as it does not to the kernel.
        return status == Z_STREAM_END || produced == target.count ? produced : nil
    }

    /// LZO in the frames of btrfs: the length of all (u32), then segments, each with its length (u32) in
    /// front, which never crosses the end of a sector: too short a rest of a sector is left out. Each segment
    /// holds one sector of data.
    private func lzo(
        _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, sectorSize: Int
    ) -> Int? {
        let lengthSize = 4
        func length(at offset: Int) -> Int {
            unsafe Int(UInt32(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        guard source.count >= lengthSize else { return nil }
        let total = min(length(at: 0), source.count)
        var position = lengthSize
        var filled = 0
        while position + lengthSize <= total, filled < target.count {
            let size = length(at: position)
            position += lengthSize
            guard size <= total - position else { return nil }
            var produced = UInt(min(target.count - filled, sectorSize))
            let status = unsafe lzo1x_decompress_safe(
                source.baseAddress?.advanced(by: position).assumingMemoryBound(to: UInt8.self), UInt(size),
                target.baseAddress?.advanced(by: filled).assumingMemoryBound(to: UInt8.self), &produced, nil)
            guard status == LZO_E_OK else { return nil }
            filled += Int(produced)
            position += size
            let rest = sectorSize - position % sectorSize
            if rest < lengthSize { position += rest }
        }
        return filled
    }

    private func zstd(_ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer) -> Int? {
        if unsafe zstd == nil { unsafe zstd = ZSTD_createDCtx() }
        guard let context = unsafe zstd else { return nil }
        unsafe _ = ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
        var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        while unsafe output.pos < output.size {
            let before = unsafe (input.pos, output.pos)
            let status = unsafe ZSTD_decompressStream(context, &output, &input)
            if ZSTD_isError(status) != 0 { return nil }
            // 0 is the end of the frame; padding follows.
            if status == 0 { break }
            if unsafe before == (input.pos, output.pos) { return nil }
        }
        return unsafe output.pos
    }
}

/// SHA-256 of a stream of bytes.
struct SHA256Hash: ByteSink {
    private var state = crypto_hash_sha256_state()

    init() { unsafe _ = crypto_hash_sha256_init(&state) }

    mutating func write(_ bytes: RawSpan) throws(VolumeError) {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe _ = crypto_hash_sha256_update(
                &state, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
        }
    }

    /// The 32 bytes of the hash. Ends the stream.
    mutating func finish() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        unsafe _ = crypto_hash_sha256_final(&state, &result)
        return result
    }
}
