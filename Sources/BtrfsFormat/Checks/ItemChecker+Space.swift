/// The rules of items that say how space is used.
extension ItemChecker {
    func checkExtent(_ key: Key, _ data: RawSpan) throws(FormatError) {
        let item = try ExtentItem(data)
        try context.requireAligned(key.objectID.rawValue, "address of the extent")
        try context.requireGeneration(item.generation, "generation")
        guard item.isData != item.isTreeBlock else {
            throw .invalid(
                "flags are 0x\(String(item.flags.rawValue, radix: 16)), neither DATA nor TREE_BLOCK alone")
        }
        if key.type == .metadataItem {
            guard item.isTreeBlock else { throw .invalid("a METADATA_ITEM without TREE_BLOCK in its flags") }
            guard key.offset < BlockHeader.maximumLevels else {
                throw .invalid("level is \(key.offset), not 0 to 7")
            }
        } else if item.isTreeBlock {
            guard key.offset == context.nodeSize else {
                throw .invalid("a tree block of \(key.offset) bytes, not \(context.nodeSize)")
            }
            let info = try TreeBlockInfo(data.slice(at: ExtentItem.byteCount, count: TreeBlockInfo.byteCount))
            guard info.level < BlockHeader.maximumLevels else {
                throw .invalid("level is \(info.level), not 0 to 7")
            }
        } else {
            guard key.offset > 0 else { throw .invalid("an extent of 0 bytes") }
            try context.requireAligned(key.offset, "length of the extent")
        }
        guard !key.objectID.rawValue.addingReportingOverflow(key.offset).overflow else {
            throw .invalid("the extent reaches beyond 2^64")
        }
        try checkInlineRefs(key, item, data)
    }

    private func checkInlineRefs(_ key: Key, _ item: ExtentItem, _ data: RawSpan) throws(FormatError) {
        var references = try InlineRefs(data, in: key.type)
        var total: UInt64 = 0
        var previous: (type: KeyType, sequence: UInt64)?
        while let reference = try references.next() {
            try checkInlineRef(reference, item)
            let sequence = reference.sequence
            if let previous {
                // Types ascend; within a type the sequence does not ascend.
                let isOrdered =
                    previous.type == reference.type
                    ? previous.sequence >= sequence : previous.type < reference.type
                guard isOrdered else { throw .invalid("inline references are not in order") }
            }
            previous = (reference.type, sequence)
            // At most 65536 / 9 references of 32 bits each cannot overflow 64.
            total &+= UInt64(reference.count)
        }
        guard total <= item.refs else {
            throw .invalid("\(total) inline references where refs says \(item.refs)")
        }
    }

    private func checkInlineRef(_ reference: InlineRef, _ item: ExtentItem) throws(FormatError) {
        switch reference {
        case .owner: return
        case .treeBlock:
            guard item.isTreeBlock else { throw .invalid("a tree refers to a data extent") }
        case .sharedBlock(let parent):
            guard item.isTreeBlock else { throw .invalid("a node refers to a data extent as its child") }
            try context.requireAligned(parent.rawValue, "address of the parent")
        case .data(let reference):
            guard item.isData else { throw .invalid("a file refers to a tree block") }
            try checkDataRef(reference)
        case .sharedData(let parent, let count):
            guard item.isData else { throw .invalid("a leaf refers to a tree block as data") }
            try context.requireAligned(parent.rawValue, "address of the leaf")
            guard count > 0 else { throw .invalid("count of a reference is 0") }
        }
    }

    private func checkDataRef(_ reference: ExtentDataRef) throws(FormatError) {
        let root = reference.root
        guard root.isSubvolume || root == .rootTree || root == .dataRelocationTree else {
            throw .invalid("a data reference of tree \(root), which holds no files")
        }
        try context.requireAligned(reference.offset, "offset of a data reference")
        guard reference.count > 0 else { throw .invalid("count of a reference is 0") }
    }

    func checkExtentDataRefs(_ data: RawSpan) throws(FormatError) {
        guard data.byteCount > 0, data.byteCount % ExtentDataRef.byteCount == 0 else {
            throw .invalid(
                "\(data.byteCount) bytes are no whole references of \(ExtentDataRef.byteCount) bytes")
        }
        for position in stride(from: 0, to: data.byteCount, by: ExtentDataRef.byteCount) {
            try checkDataRef(ExtentDataRef(data.slice(at: position, count: ExtentDataRef.byteCount)))
        }
    }

    func checkBlockGroup(_ key: Key, _ data: RawSpan) throws(FormatError) {
        try requireSize(data, BlockGroupItem.byteCount, "a block group item")
        let item = try BlockGroupItem(data)
        guard key.offset > 0, !key.objectID.rawValue.addingReportingOverflow(key.offset).overflow else {
            throw .invalid("a block group of \(key.offset) bytes")
        }
        guard item.chunkObjectID == Chunk.objectID else {
            throw .invalid("chunk_objectid is \(item.chunkObjectID), not \(Chunk.objectID)")
        }
        guard item.used <= key.offset else {
            throw .invalid("\(item.used) bytes used of \(key.offset)")
        }
        try checkType(item.flags)
    }

    private func checkType(_ flags: BlockGroupFlags) throws(FormatError) {
        guard flags.profile.rawValue.nonzeroBitCount <= 1 else {
            throw .invalid("type \(flags) has more than one profile")
        }
        let mixed: BlockGroupFlags = [.data, .metadata]
        guard flags.content == mixed || flags.content.rawValue.nonzeroBitCount == 1 else {
            throw .invalid("type \(flags) is none of DATA, SYSTEM, METADATA and DATA|METADATA")
        }
    }

    func checkChunk(_ key: Key, _ data: RawSpan) throws(FormatError) {
        let count = Int(try Chunk.Fields.stripeCount.read(data))
        try requireSize(data, Chunk.byteCount(stripes: count), "a chunk with \(count) stripes")
        guard count > 0 else { throw .invalid("a chunk without stripes") }
        let length = try Chunk.Fields.length.read(data)
        guard length > 0, !key.offset.addingReportingOverflow(length).overflow else {
            throw .invalid("a chunk of \(length) bytes at \(key.offset)")
        }
        try context.requireAligned(key.offset, "address of the chunk")
        try context.requireAligned(length, "length of the chunk")
        let sectorSize = try Chunk.Fields.sectorSize.read(data)
        guard sectorSize == context.sectorSize else {
            throw .invalid("a chunk with sectors of \(sectorSize) bytes, not \(context.sectorSize)")
        }
        try checkType(try Chunk.Fields.type.read(data))
    }

    func checkDevice(_ key: Key, _ data: RawSpan) throws(FormatError) {
        try requireSize(data, DeviceItem.byteCount, "a device item")
        let item = try DeviceItem(data)
        guard key.objectID == DeviceItem.objectID else {
            throw .invalid("a device item under object \(key.objectID), not \(DeviceItem.objectID)")
        }
        guard item.deviceID == key.offset else {
            throw .invalid("the item is of device \(item.deviceID)")
        }
        guard item.bytesUsed <= item.totalBytes else {
            throw .invalid("\(item.bytesUsed) bytes used of \(item.totalBytes)")
        }
    }

    func checkFreeSpace(_ key: Key, _ data: RawSpan) throws(FormatError) {
        try context.requireAligned(key.objectID.rawValue, "start")
        try context.requireAligned(key.offset, "length")
        guard key.offset > 0, !key.objectID.rawValue.addingReportingOverflow(key.offset).overflow else {
            throw .invalid("a range of \(key.offset) bytes at \(key.objectID)")
        }
        switch key.type {
        case .freeSpaceInfo: try requireSize(data, FreeSpaceInfo.byteCount, "a free space info item")
        case .freeSpaceExtent: try requireSize(data, 0, "a free space extent")
        default:
            let sectors = key.offset / UInt64(context.sectorSize)
            guard UInt64(data.byteCount) == (sectors + 7) / 8 else {
                throw .invalid("\(data.byteCount) bytes of bits for \(sectors) sectors")
            }
        }
    }

    /// Types of which only the size is checked.
    func checkSize(_ key: Key, _ data: RawSpan) throws(FormatError) {
        switch key.type {
        case .deviceExtent: try requireSize(data, DeviceExtent.byteCount, "a device extent")
        case .sharedDataRef: try requireSize(data, SharedDataRef.byteCount, "a shared data reference")
        case .treeBlockRef, .sharedBlockRef: try requireSize(data, 0, "a reference to a tree block")
        case .qgroupStatus:
            let sizes = [QgroupStatus.layout.byteCount, QgroupStatus.simpleLayout.byteCount]
            guard sizes.contains(data.byteCount) else {
                throw .invalid(
                    "the status of quotas has \(sizes[0]) or \(sizes[1]) bytes, not \(data.byteCount)")
            }
        case .qgroupInfo: try requireSize(data, QgroupInfo.byteCount, "a quota group's usage")
        case .qgroupLimit: try requireSize(data, QgroupLimit.byteCount, "a quota group's limits")
        case .qgroupRelation: try requireSize(data, 0, "a relation of quota groups")
        case .uuidSubvolume, .uuidReceivedSubvolume:
            guard data.byteCount > 0, data.byteCount % 8 == 0 else {
                throw .invalid("\(data.byteCount) bytes are no whole subvolume numbers")
            }
        default: return
        }
    }
}
