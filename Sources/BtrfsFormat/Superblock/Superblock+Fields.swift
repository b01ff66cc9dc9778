extension Superblock {
    /// The volume, as users know it.
    public var fsid: UUID {
        get { record[Fields.fsid] }
        set { record[Fields.fsid] = newValue }
    }
    /// The volume as its blocks and devices know it: differs from `fsid` where the feature METADATA_UUID is
    /// on. Setting it stores the field and leaves the feature as it is.
    public var metadataUUID: UUID {
        get { incompat.contains(.metadataUUID) ? record[Fields.metadataUUID] : fsid }
        set { record[Fields.metadataUUID] = newValue }
    }
    /// Where on its device this copy lies, in bytes. The corresponding field is `bytenr`.
    public var copyOffset: UInt64 {
        get { record[Fields.copyOffset] }
        set { record[Fields.copyOffset] = newValue }
    }
    /// What holds for the volume as a whole.
    public var flags: SuperblockFlags {
        get { record[Fields.flags] }
        set { record[Fields.flags] = newValue }
    }
    /// The last committed transaction.
    public var generation: Generation {
        get { record[Fields.generation] }
        set { record[Fields.generation] = newValue }
    }
    /// The root block of the tree of roots.
    public var root: LogicalAddress {
        get { record[Fields.root] }
        set { record[Fields.root] = newValue }
    }
    /// The level of the root block of the tree of trees.
    public var rootLevel: UInt8 {
        get { record[Fields.rootLevel] }
        set { record[Fields.rootLevel] = newValue }
    }
    /// The root block of the chunk tree.
    public var chunkRoot: LogicalAddress {
        get { record[Fields.chunkRoot] }
        set { record[Fields.chunkRoot] = newValue }
    }
    /// Its level.
    public var chunkRootLevel: UInt8 {
        get { record[Fields.chunkRootLevel] }
        set { record[Fields.chunkRootLevel] = newValue }
    }
    /// Its generation.
    public var chunkRootGeneration: Generation {
        get { record[Fields.chunkRootGeneration] }
        set { record[Fields.chunkRootGeneration] = newValue }
    }
    /// The root block of the tree of log roots; 0 when there is no log.
    public var logRoot: LogicalAddress {
        get { record[Fields.logRoot] }
        set { record[Fields.logRoot] = newValue }
    }
    /// The level of the root block of the tree of logs.
    public var logRootLevel: UInt8 {
        get { record[Fields.logRootLevel] }
        set { record[Fields.logRootLevel] = newValue }
    }
    /// Bytes of all devices.
    public var totalBytes: UInt64 {
        get { record[Fields.totalBytes] }
        set { record[Fields.totalBytes] = newValue }
    }
    /// Bytes of all extents, data and tree blocks, each counted once.
    public var bytesUsed: UInt64 {
        get { record[Fields.bytesUsed] }
        set { record[Fields.bytesUsed] = newValue }
    }
    /// The directory of the root tree that names the default subvolume (6).
    public var rootDirectory: ObjectID {
        get { record[Fields.rootDirectory] }
        set { record[Fields.rootDirectory] = newValue }
    }
    /// How many devices the volume has.
    public var deviceCount: UInt64 {
        get { record[Fields.deviceCount] }
        set { record[Fields.deviceCount] = newValue }
    }
    /// The unit of data, in bytes.
    public var sectorSize: UInt32 {
        get { record[Fields.sectorSize] }
        set { record[Fields.sectorSize] = newValue }
    }
    /// The size of a tree block in bytes. Setting it also sets the old field for leaves, which is always the
    /// same.
    public var nodeSize: UInt32 {
        get { record[Fields.nodeSize] }
        set {
            record[Fields.nodeSize] = newValue
            record[Fields.leafSize] = newValue
        }
    }
    /// Bookkeeping of the kernel, in bytes.
    public var stripeSize: UInt32 {
        get { record[Fields.stripeSize] }
        set { record[Fields.stripeSize] = newValue }
    }
    /// Features that nobody has to know.
    public var compat: UInt64 {
        get { record[Fields.compat] }
        set { record[Fields.compat] = newValue }
    }
    /// Features that a program must know to write.
    public var compatRO: CompatROFeatures {
        get { record[Fields.compatRO] }
        set { record[Fields.compatRO] = newValue }
    }
    /// Features that a program must know.
    public var incompat: IncompatFeatures {
        get { record[Fields.incompat] }
        set { record[Fields.incompat] = newValue }
    }
    /// How blocks and data are checked; crc32c where an unverified superblock has an unknown type.
    public var checksumType: ChecksumType {
        get { ChecksumType(rawValue: record[Fields.checksumType]) ?? .crc32c }
        set { record[Fields.checksumType] = newValue.rawValue }
    }
    /// The device on which this superblock lies.
    public var deviceItem: DeviceItem {
        get {
            let field = Fields.deviceItem
            do {
                return try DeviceItem(record.bytes.rawSpan.slice(at: field.offset, count: field.byteCount))
            } catch { preconditionFailure("a device item does not fit a superblock: \(error)") }
        }
        set { record.replace(at: Fields.deviceItem.offset, with: newValue.encoded) }
    }
    /// The volume's name, at most 255 bytes.
    public var label: [UInt8] {
        get { Array(record.bytes[Fields.label.range].prefix { $0 != 0 }) }
        set {
            precondition(newValue.count < Fields.label.byteCount, "a label has at most 255 bytes")
            record.clear(Fields.label.range)
            record.replace(at: Fields.label.offset, with: newValue)
        }
    }
    /// The transaction for which the old free space cache is valid.
    public var cacheGeneration: Generation {
        get { record[Fields.cacheGeneration] }
        set { record[Fields.cacheGeneration] = newValue }
    }
    /// The transaction for which the UUID tree is complete.
    public var uuidTreeGeneration: Generation {
        get { record[Fields.uuidTreeGeneration] }
        set { record[Fields.uuidTreeGeneration] = newValue }
    }
}

/// The chunks that hold the chunk tree, from which all other chunks are found.
extension Superblock {
    /// How many bytes of chunks there is room for.
    public static var systemChunksCapacity: Int { Fields.systemChunks.byteCount }

    /// The number of bytes of keys and chunks. The corresponding field is `sys_chunk_array_size`.
    public var systemChunksByteCount: Int { Int(record[Fields.systemChunksByteCount]) }

    /// The chunks with their keys.
    ///
    /// - Throws: `FormatError` when the array is not a sequence of keys of chunks and chunks.
    public func systemChunks() throws(FormatError) -> [(Key, Chunk)] {
        let size = systemChunksByteCount
        guard size <= Self.systemChunksCapacity else {
            throw .invalid(
                "sys_chunk_array_size is \(size), more than the \(Self.systemChunksCapacity) there are")
        }
        let array = try record.bytes.rawSpan.slice(at: Fields.systemChunks.offset, count: size)
        var chunks: [(Key, Chunk)] = []
        var position = 0
        while position < size {
            let key = try Key(array, at: position)
            guard key.objectID == Chunk.objectID, key.type == .chunkItem else {
                throw .invalid("sys_chunk_array has \(key) at byte \(position), which is no key of a chunk")
            }
            position += Key.byteCount
            let chunk = try Chunk(array.slice(at: position, count: size - position))
            position += Chunk.byteCount(stripes: chunk.stripes.count)
            chunks.append((key, chunk))
        }
        return chunks
    }

    /// Replaces the chunks.
    ///
    /// - Throws: `FormatError.invalid` when they do not fit.
    public mutating func setSystemChunks(_ chunks: [(Key, Chunk)]) throws(FormatError) {
        var array: [UInt8] = []
        for (key, chunk) in chunks { array += key.encoded + chunk.encoded }
        guard array.count <= Self.systemChunksCapacity else {
            throw .invalid("\(array.count) bytes of system chunks do not fit \(Self.systemChunksCapacity)")
        }
        record.clear(Fields.systemChunks.range)
        record.replace(at: Fields.systemChunks.offset, with: array)
        record[Fields.systemChunksByteCount] = UInt32(array.count)
    }
}

extension Key {
    /// The 17 bytes of the key on disk.
    public var encoded: [UInt8] {
        [UInt8](byteCount: Self.byteCount) { (target: inout MutableRawSpan) in store(in: &target, at: 0) }
    }
}
