/// What stands before the descriptor of a file that fs-verity protects.
///
/// Key: (inode, VERITY_DESC_ITEM, 0). The bytes of the descriptor are in the items of this type from offset 1 on, those
/// of the hash tree in VERITY_MERKLE_ITEM items from offset 0 on; items that follow each other go on where the one
/// before ends.
///
/// The corresponding on-disk structure is `btrfs_verity_descriptor_item`.
public struct VerityHeader: FixedSizeItem {
    /// The size of the descriptor in bytes.
    public var size: UInt64
    /// Not used by the kernel, which insists on 0.
    public var reserved0: UInt64
    /// Not used by the kernel, which insists on 0.
    public var reserved1: UInt64
    /// Not used by the kernel.
    public var encryption: UInt8

    public static var byteCount: Int { Fields.encryption.end }

    enum Fields {
        static var size: Field<UInt64> { Field("size", at: 0) }
        static var reserved0: Field<UInt64> { Field("reserved0", at: 8) }
        static var reserved1: Field<UInt64> { Field("reserved1", at: 16) }
        static var encryption: Field<UInt8> { Field("encryption", at: 24) }
    }
    public static let layout = Layout(
        "verity_descriptor_item", byteCount: byteCount,
        [Fields.size, Fields.reserved0, Fields.reserved1, Fields.encryption])

    public init(_ bytes: RawSpan) throws(FormatError) {
        size = try Fields.size.read(bytes)
        reserved0 = try Fields.reserved0.read(bytes)
        reserved1 = try Fields.reserved1.read(bytes)
        encryption = try Fields.encryption.read(bytes)
    }

    /// What stands before a descriptor of `size` bytes.
    public init(size: UInt64) {
        self.size = size
        reserved0 = 0
        reserved1 = 0
        encryption = 0
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.size.write(size, to: &target, at: position)
        Fields.reserved0.write(reserved0, to: &target, at: position)
        Fields.reserved1.write(reserved1, to: &target, at: position)
        Fields.encryption.write(encryption, to: &target, at: position)
    }
}

/// What fs-verity knows of a file as a whole. A signature may follow.
///
/// Key: (inode, VERITY_DESC_ITEM, 1). The corresponding structure is `fsverity_descriptor`.
public struct VerityDescriptor: FixedSizeItem {
    /// The version of the format; always 1.
    public var version: UInt8
    /// The hash function: 1 is SHA-256, 2 is SHA-512.
    public var algorithm: UInt8
    /// The logarithm of the size of blocks, of data and of the hash tree.
    public var blockSizeLog: UInt8
    /// How many bytes of `salt` are used.
    public var saltSize: UInt8
    /// The size of the signature in bytes.
    public var signatureSize: UInt32
    /// The size of the file in bytes.
    public var dataSize: UInt64
    /// The hash at the top of the tree, with zeros behind it: 64 bytes.
    public var rootHash: [UInt8]
    /// What was hashed before each block: 32 bytes.
    public var salt: [UInt8]

    public static var byteCount: Int { Fields.reserved.end }

    enum Fields {
        static var version: Field<UInt8> { Field("version", at: 0) }
        static var algorithm: Field<UInt8> { Field("hash_algorithm", at: 1) }
        static var blockSizeLog: Field<UInt8> { Field("log_blocksize", at: 2) }
        static var saltSize: Field<UInt8> { Field("salt_size", at: 3) }
        static var signatureSize: Field<UInt32> { Field("sig_size", at: 4) }
        static var dataSize: Field<UInt64> { Field("data_size", at: 8) }
        static var rootHash: BytesField { BytesField("root_hash", at: 16, byteCount: 64) }
        static var salt: BytesField { BytesField("salt", at: 80, byteCount: 32) }
        static var reserved: BytesField { BytesField("reserved", at: 112, byteCount: 144) }
    }
    public static let layout = Layout(
        "fsverity_descriptor", byteCount: byteCount,
        [
            Fields.version, Fields.algorithm.shown(.named([1: "SHA256", 2: "SHA512"])), Fields.blockSizeLog,
            Fields.saltSize, Fields.signatureSize, Fields.dataSize, Fields.rootHash, Fields.salt, Fields.reserved,
        ])

    public init(_ bytes: RawSpan) throws(FormatError) {
        version = try Fields.version.read(bytes)
        algorithm = try Fields.algorithm.read(bytes)
        blockSizeLog = try Fields.blockSizeLog.read(bytes)
        saltSize = try Fields.saltSize.read(bytes)
        signatureSize = try Fields.signatureSize.read(bytes)
        dataSize = try Fields.dataSize.read(bytes)
        rootHash = try bytes.slice(at: Fields.rootHash.offset, count: Fields.rootHash.byteCount).copied
        salt = try bytes.slice(at: Fields.salt.offset, count: Fields.salt.byteCount).copied
        _ = try bytes.slice(at: Fields.reserved.offset, count: Fields.reserved.byteCount)
    }

    /// The descriptor of a file with a hash tree as `VerityTree` makes it, without salt and signature.
    ///
    /// - Parameter rootHash: at most 64 bytes.
    public init(dataSize: UInt64, rootHash: [UInt8]) {
        version = 1
        algorithm = 1
        blockSizeLog = 12
        saltSize = 0
        signatureSize = 0
        self.dataSize = dataSize
        self.rootHash = rootHash + [UInt8](repeating: 0, count: Fields.rootHash.byteCount - rootHash.count)
        salt = [UInt8](repeating: 0, count: Fields.salt.byteCount)
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.version.write(version, to: &target, at: position)
        Fields.algorithm.write(algorithm, to: &target, at: position)
        Fields.blockSizeLog.write(blockSizeLog, to: &target, at: position)
        Fields.saltSize.write(saltSize, to: &target, at: position)
        Fields.signatureSize.write(signatureSize, to: &target, at: position)
        Fields.dataSize.write(dataSize, to: &target, at: position)
        target.store(rootHash.rawSpan, at: position + Fields.rootHash.offset)
        target.store(salt.rawSpan, at: position + Fields.salt.offset)
    }

    /// What the file is known by, SHA-256 of the descriptor; nil where another hash function is used.
    public var digest: [UInt8]? {
        guard algorithm == 1 else { return nil }
        var measured = self
        measured.signatureSize = 0
        let bytes = measured.encoded
        return ChecksumType.sha256.compute(bytes.rawSpan)
    }

    /// The size of the hash tree in bytes; nil where hash function or block size are not known.
    public var treeByteCount: UInt64? {
        let hashSizes: [UInt8: UInt64] = [1: 32, 2: 64]
        guard let hashSize = hashSizes[algorithm], (10...16).contains(blockSizeLog) else { return nil }
        let blockSize: UInt64 = 1 << UInt64(blockSizeLog)
        func blocks(_ bytes: UInt64) -> UInt64 { bytes / blockSize + (bytes % blockSize > 0 ? 1 : 0) }
        var count = blocks(dataSize)
        var total: UInt64 = 0
        while count > 1 {
            count = blocks(count * hashSize)
            total += count
        }
        return total * blockSize
    }
}
