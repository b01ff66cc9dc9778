internal import CISAL
internal import CSodium
internal import CXXHash

// The only file of this module that calls C. Each call hands over one buffer whose length the span knows.

/// How a volume checks its blocks and sectors.
///
/// | type | bytes | form |
/// |---|---|---|
/// | crc32c | 4 | CRC-32C, little-endian |
/// | xxhash64 | 8 | xxHash64 with seed 0, little-endian |
/// | sha256 | 32 | SHA-256 |
/// | blake2b | 32 | BLAKE2b with 32 bytes of result and no key |
///
/// The corresponding kernel constants are `BTRFS_CSUM_TYPE_*`.
public enum ChecksumType: UInt16, CaseIterable, Sendable {
    /// CRC-32C, 4 bytes.
    case crc32c = 0
    /// XXH64, 8 bytes.
    case xxhash64 = 1
    /// SHA-256, 32 bytes.
    case sha256 = 2
    /// BLAKE2b, 32 bytes.
    case blake2b = 3

    /// The size of one checksum in bytes.
    @inlinable
    public var size: Int {
        switch self {
        case .crc32c: 4
        case .xxhash64: 8
        case .sha256, .blake2b: 32
        }
    }

    /// The name as `mkfs.btrfs --csum` takes it.
    public var name: String {
        switch self {
        case .crc32c: "crc32c"
        case .xxhash64: "xxhash64"
        case .sha256: "sha256"
        case .blake2b: "blake2b"
        }
    }

    /// Stores the checksum of `bytes`, `size` bytes long, at `offset` of `target`.
    public func compute(_ bytes: RawSpan, into target: inout MutableRawSpan, at offset: Int) {
        switch self {
        case .crc32c: target.store(CRC32C.checksum(bytes), at: offset)
        case .xxhash64: target.store(Self.xxHash(bytes), at: offset)
        case .sha256, .blake2b:
            let digest = digest(bytes)
            for (index, word) in [digest.0, digest.1, digest.2, digest.3].enumerated() {
                target.store(word, at: offset + 8 * index)
            }
        }
    }

    /// The checksum of `bytes`.
    public func compute(_ bytes: RawSpan) -> [UInt8] {
        [UInt8](byteCount: size) { (target: inout MutableRawSpan) in compute(bytes, into: &target, at: 0) }
    }

    /// Whether `stored` starts with the checksum of `bytes`; false when it is shorter than a checksum.
    public func matches(_ bytes: RawSpan, stored: RawSpan) -> Bool {
        do {
            switch self {
            case .crc32c: return try stored.u32(at: 0) == CRC32C.checksum(bytes)
            case .xxhash64: return try stored.u64(at: 0) == Self.xxHash(bytes)
            case .sha256, .blake2b:
                let digest = digest(bytes)
                return try stored.u64(at: 0) == digest.0 && stored.u64(at: 8) == digest.1
                    && stored.u64(at: 16) == digest.2 && stored.u64(at: 24) == digest.3
            }
        } catch {
            return false
        }
    }

    private static func xxHash(_ bytes: RawSpan) -> UInt64 {
        unsafe bytes.withUnsafeBytes { unsafe XXH64($0.baseAddress, $0.count, 0) }
    }

    /// libsodium chooses its fastest code once.
    private static let sodiumIsReady = sodium_init() >= 0

    /// The 32 bytes of SHA-256 or BLAKE2b as four little-endian words.
    private func digest(_ bytes: RawSpan) -> (UInt64, UInt64, UInt64, UInt64) {
        precondition(Self.sodiumIsReady, "libsodium cannot be used on this machine")
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { result in
            guard let target = result.baseAddress else { preconditionFailure("32 bytes have no address") }
            unsafe bytes.withUnsafeBytes { source in
                let start = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self)
                let count = UInt64(source.count)
                let status =
                    self == .sha256
                    ? unsafe crypto_hash_sha256(target, start, count)
                    : unsafe crypto_generichash(target, 32, start, count, nil, 0)
                precondition(status == 0, "libsodium refused to hash \(count) bytes")
            }
            let words = UnsafeRawBufferPointer(result)
            return unsafe (
                UInt64(littleEndian: words.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(littleEndian: words.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                UInt64(littleEndian: words.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
                UInt64(littleEndian: words.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
            )
        }
    }
}

/// CRC-32C (Castagnoli), with the CPU's instructions where there are some.
enum CRC32C {
    /// The checksum of blocks and sectors: all ones at the start, inverted at the end.
    static func checksum(_ bytes: RawSpan) -> UInt32 { ~raw(seed: .max, bytes) }

    /// The table CRC alone, without inversion: what the hashes of names and references are made of.
    static func raw(seed: UInt32, _ bytes: RawSpan) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe raw(seed: seed, $0) }
    }

    /// The same of the 8 bytes of a little-endian integer.
    static func raw(seed: UInt32, _ value: UInt64) -> UInt32 {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe raw(seed: seed, $0) }
    }

    private static func raw(seed: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var state = seed
        var rest = unsafe bytes
        // The library counts bytes in 32 signed bits and does not change what it reads.
        while let start = rest.baseAddress, rest.count > 0 {
            let count = min(rest.count, 1 << 30)
            let pointer = unsafe UnsafeMutableRawPointer(mutating: start).assumingMemoryBound(to: UInt8.self)
            state = unsafe crc32_iscsi(pointer, Int32(count), state)
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return state
    }
}
