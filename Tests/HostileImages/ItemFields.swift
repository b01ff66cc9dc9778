internal import BtrfsFormat

/// Where the fields of items are, so that changes hit what programs look at.
enum ItemFields {
    struct Place {
        var offset: Int
        var width: Int
    }

    /// The integers in the data of an item.
    static func places(in data: [UInt8], of key: Key) -> [Place] {
        switch key.type {
        case .inodeItem: fields(InodeItem.layout)
        case .inodeRef: entries(data, InodeRefs.layout, nameLengthAt: 8, dataLengthAt: nil)
        case .inodeExtref: entries(data, InodeExtrefs.layout, nameLengthAt: 16, dataLengthAt: nil)
        case .dirItem, .dirIndex, .xattrItem: entries(data, DirEntries.layout, nameLengthAt: 27, dataLengthAt: 25)
        case .extentData: fields(data.count < FileExtent.byteCount ? FileExtent.inlineLayout : FileExtent.layout)
        case .rootItem: fields(RootItem.layout)
        case .extentItem, .metadataItem: fields(ExtentItem.layout) + words(data, from: 24, step: 1)
        case .blockGroupItem: fields(BlockGroupItem.layout)
        case .chunkItem: fields(Chunk.layout) + words(data, from: 48, step: 8)
        case .deviceItem: fields(DeviceItem.layout)
        case .freeSpaceInfo: fields(FreeSpaceInfo.layout)
        default: words(data, from: 0, step: 8)
        }
    }

    static func fields(_ layout: Layout, from start: Int = 0) -> [Place] {
        layout.fields.flatMap { field in
            let offset = start + field.offset
            if field.format == .key {
                return [Place(offset: offset, width: 8), Place(offset: offset + 8, width: 1),
                        Place(offset: offset + 9, width: 8)]
            }
            return [Place(offset: offset, width: min(field.byteCount, 8))]
        }
    }

    /// Integers one after the other, whatever they mean.
    private static func words(_ data: [UInt8], from start: Int, step: Int) -> [Place] {
        stride(from: start, to: data.count, by: step).map {
            Place(offset: $0, width: step == 1 ? [1, 4, 8][$0 % 3] : 8)
        }
    }

    /// The headers of the entries of which the item is made.
    private static func entries(
        _ data: [UInt8], _ layout: Layout, nameLengthAt: Int, dataLengthAt: Int?
    ) -> [Place] {
        var places: [Place] = []
        var start = 0
        while start < data.count {
            places += fields(layout, from: start)
            var length = layout.byteCount + Int(data.integer(at: start + nameLengthAt, width: 2))
            if let dataLengthAt { length += Int(data.integer(at: start + dataLengthAt, width: 2)) }
            start += length
        }
        return places
    }
}
