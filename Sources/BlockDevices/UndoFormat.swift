// The undo file. All integers are little-endian.
//
//     0      the seal: one sector, rewritten in place after each epoch
//              0  magic "TLUNDO\r\n"      8  version: u32        12  number of devices: u32
//             16  sealed length: u64     24  records: u64       32  checksum of the last record: u32
//             36  CRC-32C of the 36 bytes before; the rest of the sector is zero
//     512    size in bytes of each device: u64 each
//     then   the records: a header of 24 bytes and the old bytes
//              0  device: u32     4  epoch: u32     8  offset: u64     16  count: u32     20  checksum: u32
//
// The checksum of a record is the CRC-32C of its first 20 bytes and the old bytes, continued from the
// checksum of the record before it, and that of the first record from the CRC-32C of the sizes. So the one in
// the seal stands for all that is sealed: no record can be lost, exchanged or come from another file unseen.
//
// What follows the sealed length belongs to an epoch that the devices never saw. It is the normal end of a
// file whose writer was interrupted and means nothing. A file shorter than its sealed length is damaged.

/// The first sector of an undo file.
struct UndoSeal: Equatable {
    static let byteCount = 512
    static let magic = Array("TLUNDO\r\n".utf8)
    static let version: UInt32 = 1
    static let checkedCount = 36
    /// More devices than any volume has; a bound for what is allocated by a number in a file.
    static let maximumDeviceCount = 1024

    var deviceCount: Int
    var sealedByteCount: UInt64
    var recordCount: UInt64
    var checksum: UInt32

    /// Where the first record is.
    var recordsStart: UInt64 { UInt64(Self.byteCount + 8 * deviceCount) }

    var encoded: [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt32(deviceCount))
        bytes.append(littleEndian: sealedByteCount)
        bytes.append(littleEndian: recordCount)
        bytes.append(littleEndian: checksum)
        bytes.append(littleEndian: bytes.crc32c())
        return bytes + [UInt8](repeating: 0, count: Self.byteCount - bytes.count)
    }

    /// The seal of a file with no records.
    init(deviceCount: Int, sizesChecksum: UInt32) {
        self.deviceCount = deviceCount
        recordCount = 0
        checksum = sizesChecksum
        sealedByteCount = 0
        sealedByteCount = recordsStart
    }

    /// `bytes` are those of a sector.
    init(_ bytes: [UInt8]) throws(UndoDamage) {
        guard Array(bytes[..<8]) == Self.magic else { throw UndoDamage("it does not start like one") }
        let version = bytes.littleEndian(UInt32.self, at: 8)
        guard version == Self.version else {
            throw UndoDamage("its version is \(version), not \(Self.version)")
        }
        let stored = bytes.littleEndian(UInt32.self, at: Self.checkedCount)
        guard Array(bytes[..<Self.checkedCount]).crc32c() == stored else {
            throw UndoDamage("the checksum of its first sector is wrong")
        }
        deviceCount = Int(bytes.littleEndian(UInt32.self, at: 12))
        sealedByteCount = bytes.littleEndian(UInt64.self, at: 16)
        recordCount = bytes.littleEndian(UInt64.self, at: 24)
        checksum = bytes.littleEndian(UInt32.self, at: 32)
        guard deviceCount <= Self.maximumDeviceCount else {
            throw UndoDamage("it is for \(deviceCount) devices")
        }
    }
}

/// The header of a record: which bytes it holds.
struct UndoRecord: Equatable {
    static let byteCount = 24
    static let checkedCount = 20
    /// A longer range is cut into several records, so that a reader needs no more memory than this.
    static let maximumDataCount = 1 << 20

    var device: Int
    var epoch: UInt32
    var offset: UInt64
    var count: Int
    var checksum: UInt32

    /// A record of the old bytes of a range, which follows one with the checksum `previous`.
    init(device: Int, epoch: UInt32, offset: UInt64, oldBytes: [UInt8], after previous: UInt32) {
        self.device = device
        self.epoch = epoch
        self.offset = offset
        count = oldBytes.count
        checksum = 0
        checksum = expectedChecksum(of: oldBytes, after: previous)
    }

    /// `bytes` are those of a header.
    init(_ bytes: [UInt8]) {
        device = Int(bytes.littleEndian(UInt32.self, at: 0))
        epoch = bytes.littleEndian(UInt32.self, at: 4)
        offset = bytes.littleEndian(UInt64.self, at: 8)
        count = Int(bytes.littleEndian(UInt32.self, at: 16))
        checksum = bytes.littleEndian(UInt32.self, at: 20)
    }

    private var checkedBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt32(device))
        bytes.append(littleEndian: epoch)
        bytes.append(littleEndian: offset)
        bytes.append(littleEndian: UInt32(count))
        return bytes
    }

    var encoded: [UInt8] {
        var bytes = checkedBytes
        bytes.append(littleEndian: checksum)
        return bytes
    }

    func expectedChecksum(of oldBytes: [UInt8], after previous: UInt32) -> UInt32 {
        oldBytes.crc32c(after: checkedBytes.crc32c(after: previous))
    }
}

/// Why an undo file cannot be used.
struct UndoDamage: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

extension [UInt8] {
    mutating func append<T: FixedWidthInteger & UnsignedInteger>(littleEndian value: T) {
        for shift in stride(from: 0, to: T.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// The integer at `offset`; it must lie within the array.
    func littleEndian<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type, at offset: Int) -> T {
        self[offset..<offset + T.bitWidth / 8].reversed().reduce(0) { $0 << 8 | T($1) }
    }

    func crc32c(after previous: UInt32 = 0) -> UInt32 { RawSpan(_elements: span).crc32c(after: previous) }
}
