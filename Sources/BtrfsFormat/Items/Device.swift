/// A device of the volume.
///
/// Key: (1, DEV_ITEM, device ID); each superblock has that of its own device.
///
/// The corresponding on-disk structure is `btrfs_dev_item`.
public struct DeviceItem: FixedSizeItem {
    /// The number of the device in the volume.
    public var deviceID: UInt64
    /// The size that the volume uses, in bytes.
    public var totalBytes: UInt64
    /// Bytes that belong to chunks.
    public var bytesUsed: UInt64
    /// Bookkeeping of the kernel, in bytes.
    public var ioAlign: UInt32
    /// Bookkeeping of the kernel, in bytes.
    public var ioWidth: UInt32
    /// The size of a sector in bytes.
    public var sectorSize: UInt32
    /// Not used by the kernel.
    public var type: UInt64
    /// Not used by the kernel.
    public var generation: Generation
    /// Not used by the kernel.
    public var startOffset: UInt64
    /// Not used by the kernel.
    public var group: UInt32
    /// Not used by the kernel.
    public var seekSpeed: UInt8
    /// Not used by the kernel.
    public var bandwidth: UInt8
    /// The UUID of the device.
    public var uuid: UUID
    /// The volume to which the device belongs, by the UUID of its metadata.
    public var fsid: UUID

    /// The object ID of all device items.
    @inlinable public static var objectID: ObjectID { ObjectID(1) }
    public static var byteCount: Int { Fields.fsid.end }

    enum Fields {
        static var deviceID: Field<UInt64> { Field("devid", at: 0) }
        static var totalBytes: Field<UInt64> { Field("total_bytes", at: 8) }
        static var bytesUsed: Field<UInt64> { Field("bytes_used", at: 16) }
        static var ioAlign: Field<UInt32> { Field("io_align", at: 24) }
        static var ioWidth: Field<UInt32> { Field("io_width", at: 28) }
        static var sectorSize: Field<UInt32> { Field("sector_size", at: 32) }
        static var type: Field<UInt64> { Field("type", at: 36) }
        static var generation: Field<Generation> { Field("generation", at: 44) }
        static var startOffset: Field<UInt64> { Field("start_offset", at: 52) }
        static var group: Field<UInt32> { Field("dev_group", at: 60) }
        static var seekSpeed: Field<UInt8> { Field("seek_speed", at: 64) }
        static var bandwidth: Field<UInt8> { Field("bandwidth", at: 65) }
        static var uuid: Field<UUID> { Field("uuid", at: 66) }
        static var fsid: Field<UUID> { Field("fsid", at: 82) }
    }
    public static let layout = Layout(
        "dev_item", byteCount: byteCount,
        [
            Fields.deviceID, Fields.totalBytes, Fields.bytesUsed, Fields.ioAlign, Fields.ioWidth,
            Fields.sectorSize, Fields.type, Fields.generation, Fields.startOffset, Fields.group,
            Fields.seekSpeed, Fields.bandwidth, Fields.uuid, Fields.fsid,
        ])

    public init(_ bytes: RawSpan) throws(FormatError) {
        deviceID = try Fields.deviceID.read(bytes)
        totalBytes = try Fields.totalBytes.read(bytes)
        bytesUsed = try Fields.bytesUsed.read(bytes)
        ioAlign = try Fields.ioAlign.read(bytes)
        ioWidth = try Fields.ioWidth.read(bytes)
        sectorSize = try Fields.sectorSize.read(bytes)
        type = try Fields.type.read(bytes)
        generation = try Fields.generation.read(bytes)
        startOffset = try Fields.startOffset.read(bytes)
        group = try Fields.group.read(bytes)
        seekSpeed = try Fields.seekSpeed.read(bytes)
        bandwidth = try Fields.bandwidth.read(bytes)
        uuid = try Fields.uuid.read(bytes)
        fsid = try Fields.fsid.read(bytes)
    }

    /// The item of a device.
    public init(
        deviceID: UInt64, totalBytes: UInt64, bytesUsed: UInt64, sectorSize: UInt32, uuid: UUID, fsid: UUID
    ) {
        self.deviceID = deviceID
        self.totalBytes = totalBytes
        self.bytesUsed = bytesUsed
        ioAlign = sectorSize
        ioWidth = sectorSize
        self.sectorSize = sectorSize
        type = 0
        generation = 0
        startOffset = 0
        group = 0
        seekSpeed = 0
        bandwidth = 0
        self.uuid = uuid
        self.fsid = fsid
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.deviceID.write(deviceID, to: &target, at: position)
        Fields.totalBytes.write(totalBytes, to: &target, at: position)
        Fields.bytesUsed.write(bytesUsed, to: &target, at: position)
        Fields.ioAlign.write(ioAlign, to: &target, at: position)
        Fields.ioWidth.write(ioWidth, to: &target, at: position)
        Fields.sectorSize.write(sectorSize, to: &target, at: position)
        Fields.type.write(type, to: &target, at: position)
        Fields.generation.write(generation, to: &target, at: position)
        Fields.startOffset.write(startOffset, to: &target, at: position)
        Fields.group.write(group, to: &target, at: position)
        Fields.seekSpeed.write(seekSpeed, to: &target, at: position)
        Fields.bandwidth.write(bandwidth, to: &target, at: position)
        Fields.uuid.write(uuid, to: &target, at: position)
        Fields.fsid.write(fsid, to: &target, at: position)
    }
}

/// A range of a device that belongs to a chunk.
///
/// Key: (device ID, DEV_EXTENT, physical offset), in the device tree.
///
/// The corresponding on-disk structure is `btrfs_dev_extent`.
public struct DeviceExtent: FixedSizeItem {
    /// The chunk tree (3).
    public var chunkTree: ObjectID
    /// Always 256.
    public var chunkObjectID: ObjectID
    /// The first logical address of the chunk.
    public var chunkOffset: LogicalAddress
    /// How many bytes of the device it takes.
    public var length: UInt64
    /// The UUID of the chunk tree.
    public var chunkTreeUUID: UUID

    public static var byteCount: Int { Fields.chunkTreeUUID.end }

    enum Fields {
        static var chunkTree: Field<ObjectID> { Field("chunk_tree", at: 0) }
        static var chunkObjectID: Field<ObjectID> { Field("chunk_objectid", at: 8) }
        static var chunkOffset: Field<LogicalAddress> { Field("chunk_offset", at: 16) }
        static var length: Field<UInt64> { Field("length", at: 24) }
        static var chunkTreeUUID: Field<UUID> { Field("chunk_tree_uuid", at: 32) }
    }
    public static let layout = Layout(
        "dev_extent", byteCount: byteCount,
        [Fields.chunkTree, Fields.chunkObjectID, Fields.chunkOffset, Fields.length, Fields.chunkTreeUUID])

    public init(_ bytes: RawSpan) throws(FormatError) {
        chunkTree = try Fields.chunkTree.read(bytes)
        chunkObjectID = try Fields.chunkObjectID.read(bytes)
        chunkOffset = try Fields.chunkOffset.read(bytes)
        length = try Fields.length.read(bytes)
        chunkTreeUUID = try Fields.chunkTreeUUID.read(bytes)
    }

    /// A range of a device.
    public init(chunkOffset: LogicalAddress, length: UInt64, chunkTreeUUID: UUID) {
        chunkTree = .chunkTree
        chunkObjectID = Chunk.objectID
        self.chunkOffset = chunkOffset
        self.length = length
        self.chunkTreeUUID = chunkTreeUUID
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.chunkTree.write(chunkTree, to: &target, at: position)
        Fields.chunkObjectID.write(chunkObjectID, to: &target, at: position)
        Fields.chunkOffset.write(chunkOffset, to: &target, at: position)
        Fields.length.write(length, to: &target, at: position)
        Fields.chunkTreeUUID.write(chunkTreeUUID, to: &target, at: position)
    }
}
