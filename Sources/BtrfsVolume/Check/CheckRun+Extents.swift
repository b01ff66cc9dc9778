internal import BtrfsFormat

/// A reference to an extent: as the extent tree lists it, and as a block of a tree holds it.
struct ReferenceFact: LedgerFact {
    /// Where the extent starts.
    var address: UInt64
    /// Of a data extent its length, of a tree block its level.
    var size: UInt64
    /// The type that the reference has in the extent tree.
    var type: KeyType
    /// The tree that refers, or the address of the block that does.
    var referrer: UInt64
    var objectID: UInt64 = 0
    var offset: UInt64 = 0

    var digest: UInt64 {
        var digest = Digest()
        digest.add(address)
        digest.add(size)
        digest.add(UInt64(type.rawValue))
        digest.add(referrer)
        digest.add(objectID)
        digest.add(offset)
        return digest.value
    }

    init(address: UInt64, size: UInt64, type: KeyType, referrer: UInt64) {
        self.address = address
        self.size = size
        self.type = type
        self.referrer = referrer
    }

    /// As the extent tree lists it; nil for an owner, which is no reference.
    init?(_ reference: InlineRef, address: UInt64, size: UInt64) {
        self.init(address: address, size: size, type: reference.type, referrer: 0)
        switch reference {
        case .owner: return nil
        case .treeBlock(let root): referrer = root.rawValue
        case .sharedBlock(let parent), .sharedData(let parent, _): referrer = parent.rawValue
        case .data(let data):
            referrer = data.root.rawValue
            objectID = data.objectID.rawValue
            offset = data.offset
        }
    }

    /// `tree 5, inode 257, offset 4096`
    var referrerText: String {
        switch type {
        case .treeBlockRef: "tree \(ObjectID(referrer))"
        case .sharedBlockRef: "node \(referrer)"
        case .sharedDataRef: "leaf \(referrer)"
        default:
            "tree \(ObjectID(referrer)), inode \(ObjectID(objectID)), offset \(Int64(bitPattern: offset))"
        }
    }

    var extentText: String {
        let isBlock = type == .treeBlockRef || type == .sharedBlockRef
        return isBlock ? "tree block \(address) of level \(size)" : "data extent \(address) of \(size) bytes"
    }
}

/// An extent whose references are being counted.
private struct CountedExtent {
    var address: UInt64
    var size: UInt64
    var refs: UInt64
    var counted: UInt64 = 0
    var place: CheckPlace
}

/// Reading the extent tree.
extension CheckRun {
    /// Reads the extent tree: lists references, sums up used space, notes block groups.
    ///
    /// - Returns: the nodes of the tree. What they refer to can be noted only when all extents are known.
    func readExtentTree() -> [EarlyBlock] {
        guard let root = rootsByID[.extentTree] else {
            incomplete.insert(.extentTree)
            sink.error(.root, .volume, "there is no extent tree")
            return []
        }
        let tree = CheckedTree(.extentTree, root.item)
        noteRoot(of: tree)
        var early: [EarlyBlock] = []
        var scan = ExtentScan(self)
        walk(tree) { block in
            // Leaves refer to nothing.
            early.append(EarlyBlock(tree: tree, block: block, keepsContent: block.level > 0))
            if block.level == 0 { scan.read(block) }
            return true
        }
        scan.finish()
        blocks.finish()
        return early
    }

    /// Lists the references again, to find those that have no counterpart.
    func rereadExtentTree() {
        guard let root = rootsByID[.extentTree] else { return }
        var scan = ExtentScan(self)
        scan.isRepeated = true
        walk(CheckedTree(.extentTree, root.item)) { block in
            if block.level == 0 { scan.read(block) }
            return true
        }
    }
}

/// Goes through the items of the extent tree in their order.
private struct ExtentScan {
    let run: CheckRun
    var isRepeated = false
    private var current: CountedExtent?
    private var end: UInt64 = 0
    private var chunkIndex = 0

    init(_ run: CheckRun) { self.run = run }

    mutating func read(_ block: CheckedBlock) {
        for slot in 0..<block.count where !block.isDamaged(slot) {
            let key = block.block.key(at: slot)
            let place = block.place(slot, .extentTree)
            do throws(FormatError) {
                switch key.type {
                case .extentItem, .metadataItem: try begin(key, block.block.data(at: slot), place)
                case .treeBlockRef, .sharedBlockRef, .extentDataRef, .sharedDataRef:
                    try readKeyed(key, block.block.data(at: slot), place)
                case .blockGroupItem:
                    if !isRepeated { try run.readBlockGroup(key, block.block.data(at: slot), place) }
                default: run.sink.error(.item, place, "an item of type \(key.type) in the extent tree")
                }
            } catch { run.sink.error(.item, place, "\(FormatError(error.reason))") }
        }
    }

    /// The next extent starts, or the tree ends.
    mutating func finish() {
        guard let extent = current else { return }
        current = nil
        if extent.counted != extent.refs {
            run.sink.error(
                .extent, extent.place, "refs is \(extent.refs), but \(extent.counted) references are listed")
        }
    }

    private mutating func begin(_ key: Key, _ data: RawSpan, _ place: CheckPlace) throws(FormatError) {
        finish()
        let item = try ExtentItem(data)
        let address = key.objectID.rawValue
        let length = item.isData ? key.offset : UInt64(run.volume.nodeSize)
        var size = key.offset
        if item.hasTreeBlockInfo(in: key.type) {
            let info = try data.slice(at: ExtentItem.byteCount, count: TreeBlockInfo.byteCount)
            size = UInt64(try TreeBlockInfo(info).level)
        }
        if !isRepeated {
            if key.type == .metadataItem, !run.volume.superblock.incompat.contains(.skinnyMetadata) {
                run.sink.error(.extent, place, "a METADATA_ITEM on a volume without the feature SKINNY_METADATA")
            }
            take(address, length, item, place)
            run.quotas.append(address, byteCount: length)
            if item.isTreeBlock {
                run.blocks.append(
                    BlockTable.Record(
                        address: address, generation: item.generation, level: UInt8(truncatingIfNeeded: size),
                        isFullBackref: item.hasFullBackref))
            }
        }
        var extent = CountedExtent(address: address, size: size, refs: item.refs, place: place)
        var references = try InlineRefs(data, in: key.type)
        while let reference = try references.next() {
            if case .owner(let root) = reference, !isRepeated {
                run.quotas.count(length, for: root, generation: item.generation)
            }
            count(reference, &extent)
        }
        current = extent
    }

    private func count(_ reference: InlineRef, _ extent: inout CountedExtent) {
        guard let fact = ReferenceFact(reference, address: extent.address, size: extent.size) else { return }
        let place = extent.place
        extent.counted &+= UInt64(reference.count)
        if case .treeBlock(let tree) = reference, !isRepeated {
            run.blocks.noteReference(by: tree, to: extent.address)
        }
        run.references.count(fact, Int(reference.count), at: place)
    }

    /// A reference as an item of its own.
    private mutating func readKeyed(_ key: Key, _ data: RawSpan, _ place: CheckPlace) throws(FormatError) {
        guard var extent = current, extent.address == key.objectID.rawValue else {
            if !run.incomplete.contains(.extentTree) {
                run.sink.error(.extent, place, "a reference to an extent that is not listed")
            }
            return
        }
        extent.place = place
        switch key.type {
        case .treeBlockRef: count(.treeBlock(root: ObjectID(key.offset)), &extent)
        case .sharedBlockRef: count(.sharedBlock(parent: LogicalAddress(key.offset)), &extent)
        case .sharedDataRef:
            count(.sharedData(parent: LogicalAddress(key.offset), count: try SharedDataRef(data).count), &extent)
        default:
            var position = 0
            while position < data.byteCount {
                let bytes = try data.slice(at: position, count: ExtentDataRef.byteCount)
                count(.data(try ExtentDataRef(bytes)), &extent)
                position += ExtentDataRef.byteCount
            }
        }
        current?.counted = extent.counted
    }

    /// Notes the space of an extent as used.
    private mutating func take(_ address: UInt64, _ length: UInt64, _ item: ExtentItem, _ place: CheckPlace) {
        let (last, overflow) = address.addingReportingOverflow(length)
        if overflow { return run.sink.error(.extent, place, "the extent reaches beyond all addresses") }
        if address < end {
            run.sink.error(.extent, place, "the extent overlaps the one before it, which ends at \(end)")
        }
        end = max(end, last)
        run.used.insert(address..<last)
        if item.isData {
            run.dataExtents.insert(address..<last)
            run.report.dataExtentCount += 1
        }
        let chunks = run.volume.chunks.chunks
        while chunkIndex < chunks.count, chunks[chunkIndex].end <= address { chunkIndex += 1 }
        guard chunkIndex < chunks.count, chunks[chunkIndex].start.rawValue <= address, last <= chunks[chunkIndex].end
        else { return run.sink.error(.extent, place, "the extent does not lie within one chunk") }
        run.groupUsed[chunkIndex] &+= length
        let type = chunks[chunkIndex].chunk.type
        if !(item.isData ? type.contains(.data) : !type.intersection([.metadata, .system]).isEmpty) {
            run.sink.error(.extent, place, "the extent does not belong into a chunk of type \(type)")
        }
    }
}
