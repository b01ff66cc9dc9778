/// How each type of item is taken apart to be shown.
struct ItemDescriber {
    let key: Key
    let checksum: ChecksumType
    let sectorSize: UInt64

    /// The values of the item; nil for a type without known content.
    func record(_ data: RawSpan) throws(FormatError) -> ItemRecord? {
        if let layout = Self.layouts[key.type] { return try ItemRecord(layout, data) }
        switch key.type {
        case .inodeRef: return try inodeRefs(data)
        case .inodeExtref: return try inodeExtrefs(data)
        case .dirItem, .dirIndex, .xattrItem: return try dirEntries(data)
        case .extentData: return try fileExtent(data)
        case .extentChecksum: return checksums(data)
        case .rootItem: return try rootItem(data)
        case .rootRef, .rootBackref: return try rootRef(data)
        case .extentItem, .metadataItem: return try extent(data)
        case .treeBlockRef, .extentOwnerRef: return single("root", .unsigned(key.offset))
        case .sharedBlockRef: return single("parent", .unsigned(key.offset))
        case .sharedDataRef: return try sharedDataRef(data)
        case .chunkItem: return try chunk(data)
        case .freeSpaceExtent, .orphanItem, .qgroupRelation: return ItemRecord()
        case .freeSpaceBitmap: return bitmap(data)
        case .verityDescriptor where key.offset == 0: return try ItemRecord(VerityHeader.layout, data)
        case .verityDescriptor where key.offset == 1: return try ItemRecord(VerityDescriptor.layout, data)
        case .qgroupStatus:
            let isSimple = data.byteCount >= QgroupStatus.simpleLayout.byteCount
            return try ItemRecord(isSimple ? QgroupStatus.simpleLayout : QgroupStatus.layout, data)
        case .raidStripe: return try raidStripes(data)
        case .uuidSubvolume, .uuidReceivedSubvolume: return try subvolumeNumbers(data)
        case KeyType(0) where key.objectID == .freeSpace: return try ItemRecord(Self.freeSpaceHeader, data)
        default: return nil
        }
    }

    /// Types whose items are one structure.
    private static let layouts: [KeyType: Layout] = [
        .inodeItem: InodeItem.layout,
        .dirLogItem: dirLog,
        .dirLogIndex: dirLog,
        .extentDataRef: ExtentDataRef.layout,
        .blockGroupItem: BlockGroupItem.layout,
        .freeSpaceInfo: FreeSpaceInfo.layout,
        .deviceExtent: DeviceExtent.layout,
        .deviceItem: DeviceItem.layout,
        .qgroupInfo: QgroupInfo.layout,
        .qgroupLimit: QgroupLimit.layout,
        .temporaryItem: balance,
        .persistentItem: deviceStatistics,
        .deviceReplace: deviceReplace,
    ]

    private static let dirLog = Layout("dir_log_item", numbers: ["end"])
    private static let balance = Layout(
        "balance_item", byteCount: 8, [LayoutField("flags", at: 0, byteCount: 8, .hexadecimal)])
    private static let deviceStatistics = Layout(
        "dev_stats_item", numbers: ["write_errs", "read_errs", "flush_errs", "corruption_errs", "generation"])
    private static let deviceReplace = Layout(
        "dev_replace_item",
        numbers: [
            "src_devid", "cursor_left", "cursor_right", "cont_reading_from_srcdev_mode", "replace_state",
            "time_started", "time_stopped", "num_write_errors", "num_uncorrectable_read_errors",
        ])
    private static let raidStripe = Layout("raid_stride", numbers: ["devid", "physical"])
    private static let freeSpaceHeader = Layout(
        "free_space_header", byteCount: 41,
        [
            LayoutField("location", at: 0, byteCount: 17, .key),
            LayoutField("generation", at: 17, byteCount: 8, .unsigned),
            LayoutField("num_entries", at: 25, byteCount: 8, .unsigned),
            LayoutField("num_bitmaps", at: 33, byteCount: 8, .unsigned),
        ])
}

extension Layout {
    /// A structure of unsigned 64-bit integers.
    fileprivate init(_ name: String, numbers: [String]) {
        self.init(
            name, byteCount: 8 * numbers.count,
            numbers.enumerated().map { LayoutField($1, at: 8 * $0, byteCount: 8, .unsigned) })
    }
}

/// Names.
extension ItemDescriber {
    private func single(_ name: String, _ value: ItemValue) -> ItemRecord {
        var record = ItemRecord()
        record.append(name, value)
        return record
    }

    private func inodeRefs(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        var names: [ItemValue] = []
        var entries = InodeRefs(data)
        while let entry = try entries.next() {
            var record = ItemRecord()
            record.append("index", .unsigned(entry.index))
            record.append("name", .name(entry.name.copied))
            names.append(.record(record))
        }
        return single("ref", .list(names))
    }

    private func inodeExtrefs(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        var names: [ItemValue] = []
        var entries = InodeExtrefs(data)
        while let entry = try entries.next() {
            var record = ItemRecord()
            record.append("parent", .unsigned(entry.parent.rawValue))
            record.append("index", .unsigned(entry.index))
            record.append("name", .name(entry.name.copied))
            names.append(.record(record))
        }
        return single("extref", .list(names))
    }

    private func dirEntries(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        var values: [ItemValue] = []
        var entries = DirEntries(data)
        while let entry = try entries.next() {
            var record = ItemRecord()
            record.append("location", .key(entry.location))
            record.append("type", .text(entry.type.description))
            record.append("transid", .unsigned(entry.transid))
            record.append("name", .name(entry.name.copied))
            if key.type == .xattrItem || entry.data.byteCount > 0 {
                record.append("data", .name(entry.data.copied))
            }
            values.append(.record(record))
        }
        return single("entry", .list(values))
    }

    private func rootRef(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        var record = try ItemRecord(RootRef.layout, data)
        record.append("name", .name(try RootRef(data).name))
        return record
    }

    private func rootItem(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        let isLegacy = try RootItem(data).isLegacy
        let inode = try ItemRecord(InodeItem.layout, data)
        var record = try ItemRecord(isLegacy ? RootItem.legacyLayout : RootItem.layout, data)
        record.append("inode", .record(inode))
        return record
    }
}

/// Space.
extension ItemDescriber {
    private func fileExtent(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        let extent = try FileExtent(data)
        guard extent.isInline else { return try ItemRecord(FileExtent.layout, data) }
        var record = try ItemRecord(FileExtent.inlineLayout, data)
        record.append("inline_size", .unsigned(UInt64(extent.inlineByteCount)))
        return record
    }

    private func checksums(_ data: RawSpan) -> ItemRecord {
        let count = data.byteCount / checksum.size
        var record = ItemRecord()
        record.append("start", .unsigned(key.offset))
        record.append("end", .unsigned(key.offset &+ UInt64(count) &* sectorSize))
        record.append("count", .unsigned(UInt64(count)))
        let bytes = data.copied
        let sums = stride(from: 0, to: count * checksum.size, by: checksum.size)
        record.append("sums", .list(sums.map { .bytes(Array(bytes[$0..<$0 + checksum.size])) }))
        return record
    }

    private func extent(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        let item = try ExtentItem(data)
        var record = try ItemRecord(ExtentItem.layout, data)
        if key.type == .metadataItem { record.append("level", .unsigned(key.offset)) }
        if item.hasTreeBlockInfo(in: key.type) {
            record.append(contentsOf: try ItemRecord(TreeBlockInfo.layout, data, at: ExtentItem.byteCount))
        }
        var values: [ItemValue] = []
        var references = try InlineRefs(data, in: key.type)
        while let reference = try references.next() { values.append(.record(Self.record(of: reference))) }
        record.append("ref", .list(values))
        return record
    }

    private static func record(of reference: InlineRef) -> ItemRecord {
        var record = ItemRecord()
        record.append("type", .text(reference.type.description))
        switch reference {
        case .owner(let root), .treeBlock(let root): record.append("root", .text(root.description))
        case .sharedBlock(let parent): record.append("parent", .unsigned(parent.rawValue))
        case .sharedData(let parent, let count):
            record.append("parent", .unsigned(parent.rawValue))
            record.append("count", .unsigned(UInt64(count)))
        case .data(let reference):
            record.append("root", .text(reference.root.description))
            record.append("objectid", .text(reference.objectID.description))
            record.append("offset", .unsigned(reference.offset))
            record.append("count", .unsigned(UInt64(reference.count)))
        }
        return record
    }

    private func sharedDataRef(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        var record = single("parent", .unsigned(key.offset))
        record.append(contentsOf: try ItemRecord(SharedDataRef.layout, data))
        return record
    }

    private func chunk(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        let chunk = try Chunk(data)
        var record = try ItemRecord(Chunk.layout, data)
        var stripes: [ItemValue] = []
        for index in chunk.stripes.indices {
            stripes.append(
                .record(try ItemRecord(Chunk.Stripe.layout, data, at: Chunk.byteCount(stripes: index))))
        }
        record.append("stripe", .list(stripes))
        return record
    }

    private func bitmap(_ data: RawSpan) -> ItemRecord {
        let free = data.copied.reduce(0) { $0 + $1.nonzeroBitCount }
        var record = single("free_sectors", .unsigned(UInt64(free)))
        record.append("bits", .bytes(data.copied))
        return record
    }

    private func raidStripes(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        var values: [ItemValue] = []
        for base in stride(from: 0, to: data.byteCount, by: Self.raidStripe.byteCount) {
            values.append(.record(try ItemRecord(Self.raidStripe, data, at: base)))
        }
        return single("stride", .list(values))
    }

    private func subvolumeNumbers(_ data: RawSpan) throws(FormatError) -> ItemRecord {
        var values: [ItemValue] = []
        for base in stride(from: 0, to: data.byteCount, by: 8) {
            values.append(.unsigned(try data.u64(at: base)))
        }
        return single("subvol_id", .list(values))
    }
}
