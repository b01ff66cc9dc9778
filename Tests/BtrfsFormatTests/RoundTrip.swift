import BtrfsFormat

/// Decodes an item and encodes what came out.
enum RoundTrip {
    /// - Returns: nil for a type without content that is decoded.
    static func encode(_ key: Key, _ data: RawSpan) throws(FormatError) -> [UInt8]? {
        switch key.type {
        case .inodeItem: try InodeItem(data).encoded
        case .inodeRef: try inodeRefs(data)
        case .inodeExtref: try inodeExtrefs(data)
        case .dirItem, .dirIndex, .xattrItem: try dirEntries(data)
        case .extentData: try fileExtent(data)
        case .rootItem: try RootItem(data).encoded
        case .rootRef, .rootBackref: try RootRef(data).encoded
        case .extentItem, .metadataItem: try extent(key, data)
        case .extentDataRef: try ExtentDataRef(data).encoded
        case .sharedDataRef: try SharedDataRef(data).encoded
        case .blockGroupItem: try BlockGroupItem(data).encoded
        case .freeSpaceInfo: try FreeSpaceInfo(data).encoded
        case .deviceExtent: try DeviceExtent(data).encoded
        case .deviceItem: try DeviceItem(data).encoded
        case .chunkItem: try Chunk(data).encoded
        case .qgroupStatus: try QgroupStatus(data).encoded
        case .qgroupInfo: try QgroupInfo(data).encoded
        case .qgroupLimit: try QgroupLimit(data).encoded
        default: nil
        }
    }

    private static func inodeRefs(_ data: RawSpan) throws(FormatError) -> [UInt8] {
        var bytes: [UInt8] = []
        var entries = InodeRefs(data)
        while let entry = try entries.next() {
            bytes += InodeRefs.entry(index: entry.index, name: entry.name)
        }
        return bytes
    }

    private static func inodeExtrefs(_ data: RawSpan) throws(FormatError) -> [UInt8] {
        var bytes: [UInt8] = []
        var entries = InodeExtrefs(data)
        while let entry = try entries.next() {
            bytes += InodeExtrefs.entry(parent: entry.parent, index: entry.index, name: entry.name)
        }
        return bytes
    }

    private static func dirEntries(_ data: RawSpan) throws(FormatError) -> [UInt8] {
        var bytes: [UInt8] = []
        var entries = DirEntries(data)
        while let entry = try entries.next() {
            bytes += DirEntries.entry(
                location: entry.location, transid: entry.transid, type: entry.type, name: entry.name,
                data: entry.data)
        }
        return bytes
    }

    private static func fileExtent(_ data: RawSpan) throws(FormatError) -> [UInt8] {
        let extent = try FileExtent(data)
        guard extent.isInline else { return extent.encoded }
        return extent.encoded(
            inlineData: try data.slice(at: FileExtent.inlineOffset, count: extent.inlineByteCount))
    }

    private static func extent(_ key: Key, _ data: RawSpan) throws(FormatError) -> [UInt8] {
        let item = try ExtentItem(data)
        var bytes = item.encoded
        if item.hasTreeBlockInfo(in: key.type) {
            let rest = data.extracting(droppingFirst: ExtentItem.byteCount)
            bytes += try TreeBlockInfo(rest).encoded
        }
        var references = try InlineRefs(data, in: key.type)
        while let reference = try references.next() { bytes += reference.encoded }
        return bytes
    }
}
