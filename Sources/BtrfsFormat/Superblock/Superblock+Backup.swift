/// The roots of a volume after one transaction, kept in the superblock for the case that newer ones are lost.
///
/// The corresponding on-disk structure is `btrfs_root_backup`.
public struct BackupRoots: FixedSizeItem {
    /// A tree's root block.
    public struct Root: Equatable, Sendable {
        /// The address of the root block.
        public var address: LogicalAddress
        /// The generation of the root block.
        public var generation: Generation
        /// The level of the root block.
        public var level: UInt8

        /// The root of one tree.
        public init(
            address: LogicalAddress = LogicalAddress(0), generation: Generation = 0, level: UInt8 = 0
        ) {
            self.address = address
            self.generation = generation
            self.level = level
        }
    }

    /// The tree of trees.
    public var tree: Root
    /// The chunk tree.
    public var chunk: Root
    /// The extent tree.
    public var extent: Root
    /// The tree of the top-level subvolume.
    public var file: Root
    /// The device tree.
    public var device: Root
    /// The checksum tree.
    public var checksum: Root
    /// The size of the volume in bytes.
    public var totalBytes: UInt64
    /// How many bytes were in use.
    public var bytesUsed: UInt64
    /// How many devices there were.
    public var deviceCount: UInt64

    public static var byteCount: Int { 168 }

    enum Fields {
        static var tree: Field<LogicalAddress> { Field("tree_root", at: 0) }
        static var treeGeneration: Field<Generation> { Field("tree_root_gen", at: 8) }
        static var chunk: Field<LogicalAddress> { Field("chunk_root", at: 16) }
        static var chunkGeneration: Field<Generation> { Field("chunk_root_gen", at: 24) }
        static var extent: Field<LogicalAddress> { Field("extent_root", at: 32) }
        static var extentGeneration: Field<Generation> { Field("extent_root_gen", at: 40) }
        static var file: Field<LogicalAddress> { Field("fs_root", at: 48) }
        static var fileGeneration: Field<Generation> { Field("fs_root_gen", at: 56) }
        static var device: Field<LogicalAddress> { Field("dev_root", at: 64) }
        static var deviceGeneration: Field<Generation> { Field("dev_root_gen", at: 72) }
        static var checksum: Field<LogicalAddress> { Field("csum_root", at: 80) }
        static var checksumGeneration: Field<Generation> { Field("csum_root_gen", at: 88) }
        static var totalBytes: Field<UInt64> { Field("total_bytes", at: 96) }
        static var bytesUsed: Field<UInt64> { Field("bytes_used", at: 104) }
        static var deviceCount: Field<UInt64> { Field("num_devices", at: 112) }
        static var treeLevel: Field<UInt8> { Field("tree_root_level", at: 152) }
        static var chunkLevel: Field<UInt8> { Field("chunk_root_level", at: 153) }
        static var extentLevel: Field<UInt8> { Field("extent_root_level", at: 154) }
        static var fileLevel: Field<UInt8> { Field("fs_root_level", at: 155) }
        static var deviceLevel: Field<UInt8> { Field("dev_root_level", at: 156) }
        static var checksumLevel: Field<UInt8> { Field("csum_root_level", at: 157) }
    }
    public static let layout = Layout(
        "root_backup", byteCount: byteCount,
        [
            Fields.tree, Fields.treeGeneration, Fields.chunk, Fields.chunkGeneration, Fields.extent,
            Fields.extentGeneration, Fields.file, Fields.fileGeneration, Fields.device,
            Fields.deviceGeneration, Fields.checksum, Fields.checksumGeneration, Fields.totalBytes,
            Fields.bytesUsed, Fields.deviceCount, Fields.treeLevel, Fields.chunkLevel, Fields.extentLevel,
            Fields.fileLevel, Fields.deviceLevel, Fields.checksumLevel,
        ])

    public init(_ bytes: RawSpan) throws(FormatError) {
        func root(
            _ address: Field<LogicalAddress>, _ generation: Field<Generation>, _ level: Field<UInt8>
        ) throws(FormatError) -> Root {
            Root(
                address: try address.read(bytes), generation: try generation.read(bytes),
                level: try level.read(bytes))
        }
        tree = try root(Fields.tree, Fields.treeGeneration, Fields.treeLevel)
        chunk = try root(Fields.chunk, Fields.chunkGeneration, Fields.chunkLevel)
        extent = try root(Fields.extent, Fields.extentGeneration, Fields.extentLevel)
        file = try root(Fields.file, Fields.fileGeneration, Fields.fileLevel)
        device = try root(Fields.device, Fields.deviceGeneration, Fields.deviceLevel)
        checksum = try root(Fields.checksum, Fields.checksumGeneration, Fields.checksumLevel)
        totalBytes = try Fields.totalBytes.read(bytes)
        bytesUsed = try Fields.bytesUsed.read(bytes)
        deviceCount = try Fields.deviceCount.read(bytes)
    }

    /// The roots of one commit.
    public init(
        tree: Root, chunk: Root, extent: Root, file: Root, device: Root, checksum: Root, totalBytes: UInt64,
        bytesUsed: UInt64, deviceCount: UInt64
    ) {
        self.tree = tree
        self.chunk = chunk
        self.extent = extent
        self.file = file
        self.device = device
        self.checksum = checksum
        self.totalBytes = totalBytes
        self.bytesUsed = bytesUsed
        self.deviceCount = deviceCount
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        func put(
            _ root: Root, _ address: Field<LogicalAddress>, _ generation: Field<Generation>,
            _ level: Field<UInt8>, in target: inout MutableRawSpan
        ) {
            address.write(root.address, to: &target, at: position)
            generation.write(root.generation, to: &target, at: position)
            level.write(root.level, to: &target, at: position)
        }
        put(tree, Fields.tree, Fields.treeGeneration, Fields.treeLevel, in: &target)
        put(chunk, Fields.chunk, Fields.chunkGeneration, Fields.chunkLevel, in: &target)
        put(extent, Fields.extent, Fields.extentGeneration, Fields.extentLevel, in: &target)
        put(file, Fields.file, Fields.fileGeneration, Fields.fileLevel, in: &target)
        put(device, Fields.device, Fields.deviceGeneration, Fields.deviceLevel, in: &target)
        put(checksum, Fields.checksum, Fields.checksumGeneration, Fields.checksumLevel, in: &target)
        Fields.totalBytes.write(totalBytes, to: &target, at: position)
        Fields.bytesUsed.write(bytesUsed, to: &target, at: position)
        Fields.deviceCount.write(deviceCount, to: &target, at: position)
    }
}

extension Superblock {
    /// How many of them a superblock has.
    public static var backupCount: Int { 4 }

    /// The backups in the order of the disk; a slot that was never used is all zero.
    public var backups: [BackupRoots] {
        (0..<Self.backupCount).map { slot in
            do {
                return try BackupRoots(
                    record.bytes.rawSpan.slice(at: Self.backupOffset(slot), count: BackupRoots.byteCount))
            } catch {
                preconditionFailure("a backup of roots does not fit a superblock: \(error)")
            }
        }
    }

    /// Stores `roots` as the newest backup: in the slot after the one of transaction `previous`, so that the
    /// oldest goes.
    ///
    /// - Parameter previous: the generation that was committed before this transaction
    public mutating func rotateBackup(_ roots: BackupRoots, after previous: Generation) {
        let newest = backups.firstIndex { $0.tree.generation == previous }
        let slot = newest.map { ($0 + 1) % Self.backupCount } ?? 0
        // Encoding leaves the bytes without meaning zero, as Linux does.
        record.replace(at: Self.backupOffset(slot), with: roots.encoded)
    }

    private static func backupOffset(_ slot: Int) -> Int {
        Fields.backups.offset + slot * BackupRoots.byteCount
    }
}
