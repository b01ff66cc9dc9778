/// The root of a volume: 4096 bytes at 64 KiB of each device, with copies at 64 MiB and 256 GiB where they
/// fit.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0x000 | 32 | checksum of all that follows |
/// | 0x020 | 64 | fsid, address of this copy, flags, magic, generation |
/// | 0x050 | 88 | roots, sizes, features |
/// | 0x0c9 | 98 | the item of this device |
/// | 0x12b | 256 | label |
/// | 0x22b | 256 | generations of caches, UUID of the metadata, reserved |
/// | 0x32b | 2048 | the chunks that hold the chunk tree: keys and chunks |
/// | 0xb2b | 672 | four backups of the roots |
///
/// Kept as its bytes, so that what this program does not know survives a rewrite.
///
/// The corresponding on-disk structure is `btrfs_super_block`.
public struct Superblock: Equatable, Sendable {
    var record: FieldRecord

    public static var byteCount: Int { 4096 }
    /// Where on a device the superblock and its copies are; a copy exists where it fits the device as a
    /// whole.
    public static let offsets: [UInt64] = [65536, 67_108_864, 274_877_906_944]
    /// Where the superblock and its copies are on a device of `byteCount` bytes.
    public static func offsets(within byteCount: UInt64) -> [UInt64] {
        offsets.filter { $0 + UInt64(Self.byteCount) <= byteCount }
    }
    /// "_BHRfS_M"
    public static var magic: UInt64 { 0x4D5F_5366_5248_425F }

    /// Reads a superblock and checks all that Linux checks before it mounts.
    ///
    /// - Parameter offset: the place of this copy on its device
    /// - Throws: `FormatError` with the first rule that is broken, and what to do.
    public init(_ bytes: RawSpan, copyAt offset: UInt64 = Superblock.offsets[0]) throws(FormatError) {
        try self.init(unverified: bytes)
        try verify(copyAt: offset)
    }

    /// Reads a superblock whatever it holds.
    ///
    /// - Throws: `FormatError.outOfBounds` when there are fewer than 4096 bytes.
    public init(unverified bytes: RawSpan) throws(FormatError) {
        record = FieldRecord(try bytes.slice(at: 0, count: Self.byteCount), byteCount: Self.byteCount)
    }

    /// A superblock for a new volume, all zero but for the magic number.
    public init(empty checksum: ChecksumType) {
        record = FieldRecord(zeros: Self.byteCount)
        record[Fields.magic] = Self.magic
        record[Fields.checksumType] = checksum.rawValue
        copyOffset = Self.offsets[0]
    }

    /// All bytes as they are, with the checksum that was read.
    public var bytes: [UInt8] { record.bytes }

    /// The bytes to write: with the checksum of what is in them now.
    ///
    /// - Precondition: the checksum type is known, as it is in a superblock that was verified.
    public func sealed() -> [UInt8] {
        guard let type = ChecksumType(rawValue: record[Fields.checksumType]) else {
            preconditionFailure("a superblock with an unknown checksum type cannot be written")
        }
        var copy = record
        copy.clear(Fields.checksum.range)
        let sum = type.compute(copy.bytes.rawSpan.extracting(droppingFirst: Fields.checksum.end))
        copy.replace(at: Fields.checksum.offset, with: sum)
        return copy.bytes
    }

    /// The bytes to write at `offset` of the device with this item: each copy says where it lies and on what
    /// device.
    public func sealed(copyAt offset: UInt64, device: DeviceItem) -> [UInt8] {
        var copy = self
        copy.copyOffset = offset
        copy.deviceItem = device
        return copy.sealed()
    }
}

extension Superblock {
    enum Fields {
        static var checksum: BytesField { BytesField("csum", at: 0, byteCount: 32) }
        static var fsid: Field<UUID> { Field("fsid", at: 0x20) }
        static var copyOffset: Field<UInt64> { Field("bytenr", at: 0x30) }
        static var flags: Field<SuperblockFlags> { Field("flags", at: 0x38) }
        static var magic: Field<UInt64> { Field("magic", at: 0x40) }
        static var generation: Field<Generation> { Field("generation", at: 0x48) }
        static var root: Field<LogicalAddress> { Field("root", at: 0x50) }
        static var chunkRoot: Field<LogicalAddress> { Field("chunk_root", at: 0x58) }
        static var logRoot: Field<LogicalAddress> { Field("log_root", at: 0x60) }
        static var logRootTransid: Field<Generation> { Field("log_root_transid", at: 0x68) }
        static var totalBytes: Field<UInt64> { Field("total_bytes", at: 0x70) }
        static var bytesUsed: Field<UInt64> { Field("bytes_used", at: 0x78) }
        static var rootDirectory: Field<ObjectID> { Field("root_dir", at: 0x80) }
        static var deviceCount: Field<UInt64> { Field("num_devices", at: 0x88) }
        static var sectorSize: Field<UInt32> { Field("sectorsize", at: 0x90) }
        static var nodeSize: Field<UInt32> { Field("nodesize", at: 0x94) }
        static var leafSize: Field<UInt32> { Field("leafsize", at: 0x98) }
        static var stripeSize: Field<UInt32> { Field("stripesize", at: 0x9c) }
        static var systemChunksByteCount: Field<UInt32> { Field("sys_chunk_array_size", at: 0xa0) }
        static var chunkRootGeneration: Field<Generation> { Field("chunk_root_generation", at: 0xa4) }
        static var compat: Field<UInt64> { Field("compat_flags", at: 0xac) }
        static var compatRO: Field<CompatROFeatures> { Field("compat_ro_flags", at: 0xb4) }
        static var incompat: Field<IncompatFeatures> { Field("incompat_flags", at: 0xbc) }
        static var checksumType: Field<UInt16> { Field("csum_type", at: 0xc4) }
        static var rootLevel: Field<UInt8> { Field("root_level", at: 0xc6) }
        static var chunkRootLevel: Field<UInt8> { Field("chunk_root_level", at: 0xc7) }
        static var logRootLevel: Field<UInt8> { Field("log_root_level", at: 0xc8) }
        static var deviceItem: BytesField {
            BytesField("dev_item", at: 0xc9, byteCount: DeviceItem.byteCount)
        }
        static var label: BytesField { BytesField("label", at: 0x12b, byteCount: 256) }
        static var cacheGeneration: Field<Generation> { Field("cache_generation", at: 0x22b) }
        static var uuidTreeGeneration: Field<Generation> { Field("uuid_tree_generation", at: 0x233) }
        static var metadataUUID: Field<UUID> { Field("metadata_uuid", at: 0x23b) }
        static var globalRootCount: Field<UInt64> { Field("nr_global_roots", at: 0x24b) }
        static var remapRoot: Field<LogicalAddress> { Field("remap_root", at: 0x253) }
        static var remapRootGeneration: Field<Generation> { Field("remap_root_generation", at: 0x25b) }
        static var remapRootLevel: Field<UInt8> { Field("remap_root_level", at: 0x263) }
        static var reserved: BytesField { BytesField("reserved", at: 0x264, byteCount: 199) }
        static var systemChunks: BytesField { BytesField("sys_chunk_array", at: 0x32b, byteCount: 2048) }
        static var backups: BytesField {
            BytesField("super_roots", at: 0xb2b, byteCount: Superblock.backupCount * BackupRoots.byteCount)
        }
        static var padding: BytesField { BytesField("padding", at: 0xdcb, byteCount: 565) }
    }

    public static let layout = Layout(
        "super_block", byteCount: byteCount,
        [
            Fields.checksum, Fields.fsid, Fields.copyOffset, Fields.flags, Fields.magic.shown(.hexadecimal),
            Fields.generation, Fields.root, Fields.chunkRoot, Fields.logRoot, Fields.logRootTransid,
            Fields.totalBytes, Fields.bytesUsed, Fields.rootDirectory, Fields.deviceCount, Fields.sectorSize,
            Fields.nodeSize, Fields.leafSize, Fields.stripeSize, Fields.systemChunksByteCount,
            Fields.chunkRootGeneration, Fields.compat.shown(.hexadecimal), Fields.compatRO, Fields.incompat,
            Fields.checksumType.shown(.named([0: "crc32c", 1: "xxhash64", 2: "sha256", 3: "blake2b"])),
            Fields.rootLevel, Fields.chunkRootLevel, Fields.logRootLevel, Fields.deviceItem,
            Fields.label.shown(.text), Fields.cacheGeneration, Fields.uuidTreeGeneration, Fields.metadataUUID,
            Fields.globalRootCount, Fields.remapRoot, Fields.remapRootGeneration, Fields.remapRootLevel,
            Fields.reserved, Fields.systemChunks, Fields.backups, Fields.padding,
        ])
}

/// State of a volume as a whole.
///
/// The corresponding kernel constants are `BTRFS_SUPER_FLAG_*` and `BTRFS_HEADER_FLAG_*`.
public struct SuperblockFlags: OptionSet, Hashable, OpenFieldValue {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Of headers of tree blocks; of no meaning here.
    @inlinable public static var written: Self { Self(rawValue: 1 << 0) }
    /// Of headers of tree blocks; of no meaning here.
    @inlinable public static var relocation: Self { Self(rawValue: 1 << 1) }
    /// An error was found while the volume was mounted.
    @inlinable public static var error: Self { Self(rawValue: 1 << 2) }
    /// The volume is a seed: others grow out of it, and it is read-only.
    @inlinable public static var seeding: Self { Self(rawValue: 1 << 32) }
    /// The volume was restored from a dump of metadata: files have no data.
    @inlinable public static var metadump: Self { Self(rawValue: 1 << 33) }
    /// The same, by a newer btrfs-image.
    @inlinable public static var metadumpV2: Self { Self(rawValue: 1 << 34) }
    /// The UUID was being changed, in all blocks.
    @inlinable public static var changingFSID: Self { Self(rawValue: 1 << 35) }
    /// The UUID was being changed, in the superblocks only.
    @inlinable public static var changingFSIDV2: Self { Self(rawValue: 1 << 36) }
    /// The block group items were being moved to a tree of their own, or back.
    @inlinable public static var changingBlockGroupTree: Self { Self(rawValue: 1 << 38) }
    /// The checksums of data were being made anew, of another kind.
    @inlinable public static var changingDataChecksum: Self { Self(rawValue: 1 << 39) }
    /// The checksums of tree blocks were being made anew, of another kind.
    @inlinable public static var changingMetadataChecksum: Self { Self(rawValue: 1 << 40) }

    /// A conversion by btrfstune was begun and not finished.
    public static let conversions: Self = [
        .changingFSID, .changingFSIDV2, .changingBlockGroupTree, .changingDataChecksum,
        .changingMetadataChecksum,
    ]
    /// The flags of volumes that can be used.
    public static let usable: Self = [.written, .relocation, .error, .seeding, .metadump, .metadumpV2]

    public static let names: NumberNames = [
        0: "WRITTEN", 1: "RELOC", 2: "ERROR", 32: "SEEDING", 33: "METADUMP", 34: "METADUMP_V2",
        35: "CHANGING_FSID", 36: "CHANGING_FSID_V2", 38: "CHANGING_BG_TREE", 39: "CHANGING_DATA_CSUM",
        40: "CHANGING_META_CSUM",
    ]
    public static var fieldFormat: FieldFormat { .flags(names) }
}
