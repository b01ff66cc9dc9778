/// Whether the content of items is what their keys promise.
///
/// Items are checked in the order of a leaf, since some rules are about an item and the one before it. Types
/// that are not known, of plugins for example, have no rules here.
///
/// The corresponding kernel function is `check_leaf_item`.
public struct ItemChecker: Sendable {
    /// What is known of the volume and the block.
    public let context: CheckContext
    /// The key of the item that was checked last.
    private var previous: Key?
    /// For EXTENT_DATA and EXTENT_CSUM: the offset that follows what the last item covers.
    private var previousEnd: UInt64 = 0

    /// - Parameter context: of the leaf; the first item that is checked counts as the first of a leaf
    public init(_ context: CheckContext) { self.context = context }

    /// Checks the next item of a leaf.
    ///
    /// - Throws: `FormatError` with the key and the first rule that is broken. The next item can be checked
    ///   then.
    public mutating func check(key: Key, data: RawSpan) throws(FormatError) {
        let end: UInt64
        do {
            end = try checkContent(key, data)
        } catch {
            // What the damaged item covers is not known, so the next one is not compared with it.
            previous = key
            previousEnd = 0
            throw error.at(key: key)
        }
        previous = key
        previousEnd = end
    }

    /// Checks an item and returns the end of what it covers, where that is to be compared with the next item.
    private func checkContent(_ key: Key, _ data: RawSpan) throws(FormatError) -> UInt64 {
        switch key.type {
        case .extentData:
            try requireInode(key)
            return try checkFileExtent(key, data)
        case .extentChecksum: return try checkChecksums(key, data)
        case .inodeItem: try checkInode(key, data)
        case .inodeRef:
            try requireInode(key)
            try checkInodeRefs(data)
        case .inodeExtref:
            try requireInode(key)
            try checkInodeExtrefs(data)
        case .dirItem, .dirIndex, .xattrItem:
            try requireInode(key)
            try checkDirEntries(key, data)
        case .rootItem: try checkRoot(data)
        case .rootRef, .rootBackref: try checkRootRef(data)
        case .extentItem, .metadataItem: try checkExtent(key, data)
        case .extentDataRef: try checkExtentDataRefs(data)
        case .blockGroupItem: try checkBlockGroup(key, data)
        case .chunkItem: try checkChunk(key, data)
        case .deviceItem: try checkDevice(key, data)
        case .freeSpaceExtent, .freeSpaceBitmap, .freeSpaceInfo: try checkFreeSpace(key, data)
        default: try checkSize(key, data)
        }
        return 0
    }

    /// In a subvolume, what belongs to an inode follows its INODE_ITEM. A log may leave that out.
    private func requireInode(_ key: Key) throws(FormatError) {
        guard !context.isLog, context.owner.isSubvolume, let previous else { return }
        guard previous.objectID == key.objectID else {
            throw .invalid("no item of inode \(key.objectID) stands before it, but \(previous)")
        }
    }

    func requireSize(_ data: RawSpan, _ size: Int, _ what: String) throws(FormatError) {
        guard data.byteCount == size else {
            throw .invalid("\(what) has \(size) bytes, not \(data.byteCount)")
        }
    }

    private func checkInode(_ key: Key, _ data: RawSpan) throws(FormatError) {
        try checkInodeKey(key, "inode")
        try requireSize(data, InodeItem.byteCount, "an inode item")
        let inode = try InodeItem(data)
        try context.requireGeneration(inode.generation, "generation")
        try context.requireGeneration(inode.transid, "transid")
        guard inode.mode & ~(InodeItem.fileTypeMask | 0o7777) == 0, inode.fileType != .unknown else {
            throw .invalid("mode is 0\(String(inode.mode, radix: 8)), which has no valid file type")
        }
        guard !inode.isDirectory || inode.nlink <= 1 else {
            throw .invalid("nlink of a directory is \(inode.nlink), not 0 or 1")
        }
        var unknown = inode.flags.subtracting(.known).rawValue
        if context.access == .reading { unknown &= UInt64(UInt32.max) }
        guard unknown == 0 else {
            throw .invalid("inode flags 0x\(String(unknown, radix: 16)) are not known")
        }
    }

    /// The rules of the key of an inode item, also where it stands in a directory entry.
    func checkInodeKey(_ key: Key, _ what: String) throws(FormatError) {
        let id = key.objectID
        guard id.isFile || id == .rootTreeDirectory || id == .freeInode else {
            throw .invalid("\(what) \(id) is not one of 256 to -256, 6 or -12")
        }
        guard key.offset == 0 else {
            throw .invalid("the offset in the key of \(what) \(id) is \(key.offset), not 0")
        }
    }

    private func checkFileExtent(_ key: Key, _ data: RawSpan) throws(FormatError) -> UInt64 {
        try context.requireAligned(key.offset, "offset of the key")
        let followsExtent = previous?.objectID == key.objectID && previous?.type == .extentData
        if followsExtent, let previous, previousEnd > key.offset {
            throw .invalid("the extent before it, at \(previous.offset), reaches to \(previousEnd)")
        }
        let kind = try FileExtent.Fields.kind.read(data)
        guard kind.rawValue <= FileExtent.Kind.preallocated.rawValue else {
            throw .invalid("type is \(kind.rawValue), not 0 (inline), 1 (regular) or 2 (prealloc)")
        }
        if kind != .inline { try requireSize(data, FileExtent.byteCount, "an extent that is not inline") }
        let extent = try FileExtent(data)
        guard extent.compression.rawValue <= Compression.zstd.rawValue else {
            throw .invalid("compression is \(extent.compression.rawValue), not 0 to 3")
        }
        guard extent.encryption == 0 else {
            throw .invalid("encryption is \(extent.encryption), not 0")
        }
        return extent.isInline ? try checkInline(key, extent) : try checkRegular(key, extent)
    }

    private func checkInline(_ key: Key, _ extent: FileExtent) throws(FormatError) -> UInt64 {
        guard key.offset == 0 else {
            throw .invalid("an inline extent at offset \(key.offset), not 0")
        }
        guard extent.compression != .none || UInt64(extent.inlineByteCount) == extent.ramBytes else {
            throw .invalid(
                "\(extent.inlineByteCount) bytes of inline data where ram_bytes says \(extent.ramBytes)")
        }
        let sectorSize = UInt64(context.sectorSize)
        guard extent.ramBytes <= UInt64(Int64.max) else {
            throw .invalid("ram_bytes is \(extent.ramBytes), more than a file can have")
        }
        return (extent.ramBytes + sectorSize - 1) / sectorSize * sectorSize
    }

    private func checkRegular(_ key: Key, _ extent: FileExtent) throws(FormatError) -> UInt64 {
        try context.requireAligned(extent.ramBytes, "ram_bytes")
        try context.requireAligned(extent.diskAddress.rawValue, "disk_bytenr")
        try context.requireAligned(extent.diskByteCount, "disk_num_bytes")
        try context.requireAligned(extent.offset, "offset")
        try context.requireAligned(extent.byteCount, "num_bytes")
        guard extent.byteCount > 0 else { throw .invalid("num_bytes is 0") }
        let (end, overflow) = key.offset.addingReportingOverflow(extent.byteCount)
        guard !overflow else {
            throw .invalid("\(extent.byteCount) bytes at offset \(key.offset) reach beyond 2^64")
        }
        return end
    }

    private func checkChecksums(_ key: Key, _ data: RawSpan) throws(FormatError) -> UInt64 {
        guard key.objectID == .extentChecksum else {
            throw .invalid("checksums under object \(key.objectID), not -10")
        }
        try context.requireAligned(key.offset, "offset of the key")
        guard data.byteCount > 0, data.byteCount % context.checksumSize == 0 else {
            throw .invalid("\(data.byteCount) bytes are no whole checksums of \(context.checksumSize) bytes")
        }
        if let previous, previous.type == .extentChecksum, previousEnd > key.offset {
            throw .invalid("the checksums before it, at \(previous.offset), reach to \(previousEnd)")
        }
        let covered = UInt64(data.byteCount / context.checksumSize) * UInt64(context.sectorSize)
        let (end, overflow) = key.offset.addingReportingOverflow(covered)
        guard !overflow else {
            throw .invalid("checksums of \(covered) bytes at \(key.offset) reach beyond 2^64")
        }
        return end
    }

    private func checkRoot(_ data: RawSpan) throws(FormatError) {
        let root = try RootItem(data)
        try context.requireGeneration(root.generation, "generation")
        try context.requireGeneration(root.generationV2, "generation_v2")
        try context.requireGeneration(root.lastSnapshot, "last_snapshot")
        try context.requireAligned(root.address.rawValue, "bytenr")
        for (name, level) in [("level", root.level), ("drop_level", root.dropLevel)] {
            guard level < BlockHeader.maximumLevels else {
                throw .invalid("\(name) is \(level), not 0 to 7")
            }
        }
        guard root.flags.isSubset(of: .known) else {
            throw .invalid(
                "flags are 0x\(String(root.flags.rawValue, radix: 16)); only bits 0 and 48 are known")
        }
    }
}
