internal import BtrfsFormat

/// The changes of references that a transaction has queued, and their way into the extent tree.
///
/// Changing the extent tree copies its blocks, which queues more changes: `run` is called until nothing is left.
/// The corresponding kernel functions are in `delayed-ref.c`.
final class ExtentUpdates {
    private unowned let transaction: Transaction
    private var changes: [ReferenceChange] = []
    /// What is queued for old tree blocks: their number of references and flags may be asked for again.
    private var metadata: [UInt64: (delta: Int64, flags: ExtentItem.Flags)] = [:]
    /// Where new data extents begin of which the extent tree does not know yet.
    private var newData: SectorSet
    /// Their sizes by their addresses; nil as long as nobody has asked for one: few logs name an extent twice.
    private var newDataSizes: [UInt64: UInt64]?
    /// What `run` allocated and freed, for the free space tree.
    var allocated = RangeSet()
    var freed = RangeSet()
    private var overlapCursor: TreeCursor?
    /// Addresses among which the extent tree, as it is now, has no extent.
    private var gap: Range<UInt64> = 0..<0
    private let scratch = BlockBuffer(count: 64)
    private let isSkinny: Bool
    private let nodeSize: UInt64

    init(_ transaction: Transaction) {
        self.transaction = transaction
        isSkinny = transaction.volume.superblock.incompat.contains(.skinnyMetadata)
        nodeSize = UInt64(transaction.volume.nodeSize)
        newData = SectorSet(sectorSize: transaction.volume.sectorSize)
    }

    var isEmpty: Bool { changes.isEmpty }
    /// How many changes are queued.
    var count: Int { changes.count }

    // MARK: Queueing

    func queueBlock(
        _ address: LogicalAddress, level: Int, _ reference: InlineRef, delta: Int32, isNew: Bool = false
    ) {
        changes.appendToLongList(
            ReferenceChange(
                address: address.rawValue, size: nodeSize, level: Int8(truncatingIfNeeded: level), delta: delta,
                reference: reference))
        if !isNew { metadata[address.rawValue, default: (0, [])].delta += Int64(delta) }
    }

    func queueFlags(_ flags: ExtentItem.Flags, for address: LogicalAddress, level: Int) {
        changes.appendToLongList(
            ReferenceChange(
                address: address.rawValue, size: nodeSize, level: Int8(truncatingIfNeeded: level), delta: 0,
                flags: flags, reference: .treeBlock(root: ObjectID(0))))
        metadata[address.rawValue, default: (0, [])].flags.formUnion(flags)
    }

    func queueData(_ address: LogicalAddress, size: UInt64, _ reference: InlineRef, delta: Int32) {
        changes.appendToLongList(
            ReferenceChange(
                address: address.rawValue, size: size, level: -1, delta: delta, reference: reference))
    }

    func queueNewData(_ address: LogicalAddress, size: UInt64, _ reference: InlineRef) {
        newData.insert(address.rawValue)
        newDataSizes?[address.rawValue] = size
        queueData(address, size: size, reference, delta: 1)
    }

    // MARK: Looking up

    /// The size of the new data extent at `address`; nil when none begins there that is not in the extent tree.
    func sizeOfNewData(at address: LogicalAddress) -> UInt64? {
        guard newData.contains(address.rawValue) else { return nil }
        if let newDataSizes { return newDataSizes[address.rawValue] }
        var sizes: [UInt64: UInt64] = [:]
        for change in changes where change.level < 0 && change.delta > 0 { sizes[change.address] = change.size }
        newDataSizes = sizes
        return sizes[address.rawValue]
    }

    /// References and flags of a tree block as they will be after all that is queued.
    func state(
        of address: LogicalAddress, level: Int
    ) throws(VolumeError) -> (refs: UInt64, flags: ExtentItem.Flags) {
        let tree = try transaction.extentTree()
        guard let key = try blockKey(address.rawValue, level: level, in: tree), let data = try tree.find(key) else {
            throw .damaged("the extent tree does not know this block; run btrfs check", block: address)
        }
        let item: ExtentItem
        do { item = try ExtentItem(data) } catch { throw .format(error.at(key: key)) }
        let pending = metadata[address.rawValue] ?? (0, [])
        let refs = Int64(clamping: item.refs) &+ pending.delta
        guard refs > 0 else {
            throw .damaged("the extent tree counts \(refs) references to this block", block: address)
        }
        return (UInt64(refs), item.flags.union(pending.flags))
    }

    private func blockKey(_ address: UInt64, level: Int, in tree: Tree) throws(VolumeError) -> Key? {
        let skinny = Key(ObjectID(address), .metadataItem, UInt64(level))
        if isSkinny, try tree.contains(skinny) { return skinny }
        let full = Key(ObjectID(address), .extentItem, nodeSize)
        return try tree.contains(full) ? full : nil
    }

    /// The key of an extent that has addresses in common with `range`; nil when there is none.
    func overlap(_ range: Range<UInt64>) throws(VolumeError) -> Key? {
        if gap.lowerBound <= range.lowerBound, range.upperBound <= gap.upperBound { return nil }
        if overlapCursor == nil { overlapCursor = try transaction.extentTree().makeCursor() }
        guard let cursor = overlapCursor else { return nil }
        // Extents do not overlap each other, so the last one that starts before the end of the range tells. The
        // references that follow an extent under its address are jumped over.
        var isThere = try cursor.seekLast(through: Key(ObjectID(range.upperBound - 1), .metadataItem, .max))
        while isThere {
            let key = cursor.key
            let (block, slot) = (cursor.block, cursor.slot)
            let start = key.objectID.rawValue
            if key.type == .extentItem || key.type == .metadataItem {
                let (end, overflow) = start.addingReportingOverflow(key.type == .extentItem ? key.offset : nodeSize)
                guard !overflow else { throw .damaged("impossible length", block: block, slot: slot, key: key) }
                if end > range.lowerBound { return key }
                try noteGap(from: end, around: range, cursor)
                return nil
            }
            isThere = try cursor.seekLast(through: Key(key.objectID, .metadataItem, .max))
            if key.type > .metadataItem, isThere, cursor.key.objectID == key.objectID { continue }
            // No extent reaches into a block group from outside.
            let isInGroup = start <= range.lowerBound && range.lowerBound - start < key.offset
            if key.type == .blockGroupItem, isInGroup {
                try noteGap(from: start, around: range, cursor)
                return nil
            }
            // In a run of such items every look-up would have to pass all of them.
            throw .damaged("the item belongs to no extent", block: block, slot: slot, key: key)
        }
        return nil
    }

    /// Notes that there is no extent from `start` to the next item behind `range`.
    private func noteGap(
        from start: UInt64, around range: Range<UInt64>, _ cursor: TreeCursor
    ) throws(VolumeError) {
        // It mostly follows where the cursor stands; but references of the extent before the range may come first.
        let stands = cursor.isValid
        if stands { _ = try cursor.next() }
        if !stands || (cursor.isValid && cursor.key.objectID.rawValue < range.upperBound) {
            try cursor.seek(Key(ObjectID(range.upperBound), KeyType(0), 0))
        }
        gap = start..<(cursor.isValid ? max(cursor.key.objectID.rawValue, range.upperBound) : .max)
    }

    // MARK: Running

    /// Brings all that is queued into the extent tree, in the order of addresses.
    func run() throws(VolumeError) {
        var batch: [ReferenceChange] = []
        swap(&batch, &changes)
        metadata.removeAll(keepingCapacity: true)
        newData.removeAll()
        newDataSizes = nil
        batch.sort { ($0.address, $0.size, $0.level) < ($1.address, $1.size, $1.level) }
        let tree = try transaction.extentTree()
        var first = 0
        var end: UInt64 = 0
        while first < batch.count {
            let head = batch[first]
            var last = first + 1
            while last < batch.count, batch[last].address == head.address, batch[last].size == head.size,
                batch[last].level == head.level
            {
                last += 1
            }
            guard head.address >= end else {
                throw .refused("two extents of the log overlap at \(head.address), \(describe(head))")
            }
            let (sum, overflow) = head.address.addingReportingOverflow(head.size)
            guard !overflow, head.size > 0 else {
                throw .damaged("no extent can have \(head.size) bytes at \(head.address), \(describe(head))")
            }
            end = sum
            try apply(batch[first..<last], to: tree)
            first = last
        }
    }

    private func describe(_ change: ReferenceChange) -> String {
        if case .data(let reference) = change.reference {
            return "used by inode \(reference.objectID) of subvolume \(reference.root)"
        }
        return change.level < 0 ? "data" : "a tree block"
    }

    private func apply(_ changes: ArraySlice<ReferenceChange>, to tree: Tree) throws(VolumeError) {
        guard let head = changes.first else { return }
        guard try overlap(head.address..<head.address + head.size) != nil else {
            try create(head, changes, in: tree)
            return
        }
        var key = Key(ObjectID(head.address), .extentItem, head.size)
        if head.level >= 0, let found = try blockKey(head.address, level: Int(head.level), in: tree) { key = found }
        guard let data = try tree.find(key) else {
            let other = try overlap(head.address..<head.address + head.size)
            throw .refused(
                "\(describe(head)): the space at \(head.address) is in use: \(other.map { "\($0)" } ?? "")")
        }
        var record: ExtentRecord
        do { record = try ExtentRecord(key: key, data) } catch { throw .format(error.at(key: key)) }
        guard record.item.isData == (head.level < 0) else {
            throw .damaged("the extent is \(head.level < 0 ? "a tree block" : "data"), not \(describe(head))", key: key)
        }
        try apply(changes, to: &record, in: tree)
        if record.item.refs > 0 {
            try tree.put(record.key, record.encoded.rawSpan)
        } else {
            try tree.remove(record.key)
            try account(
                for: head, delta: -1, owner: head.level < 0 ? record.owner : record.accountedTree,
                generation: record.item.generation)
            try dropChecksums(of: head)
        }
    }

    private func apply(
        _ changes: ArraySlice<ReferenceChange>, to record: inout ExtentRecord, in tree: Tree
    ) throws(VolumeError) {
        for change in changes where change.delta > 0 {
            try record.add(change.reference, count: UInt32(change.delta), in: tree)
        }
        for change in changes where change.delta <= 0 {
            record.item.flags.formUnion(change.flags)
            if change.delta < 0 { try record.drop(change.reference, count: UInt32(-change.delta), in: tree) }
        }
    }

    private func dropChecksums(of head: ReferenceChange) throws(VolumeError) {
        if head.level < 0 { try transaction.deleteChecksums(LogicalAddress(head.address), count: head.size) }
    }

    /// Records an extent where nothing is yet.
    private func create(
        _ head: ReferenceChange, _ changes: ArraySlice<ReferenceChange>, in tree: Tree
    ) throws(VolumeError) {
        // Of the gap, in which it is, only what is behind it stays one.
        let end = head.address + head.size
        gap = end..<max(gap.upperBound, end)
        let payer = payer(for: changes)
        if changes.count == 1, head.delta == 1, payer == nil || head.level >= 0, isSkinny || head.level < 0 {
            try insertSingle(head, in: tree)
            try account(for: head, delta: 1, owner: payer, generation: transaction.generation)
            return
        }
        var record = newRecord(head)
        try apply(changes, to: &record, in: tree)
        // What came and went within the transaction leaves nothing behind.
        guard record.item.refs > 0 else { return try dropChecksums(of: head) }
        if head.level < 0, let payer { record.setOwner(payer) }
        try tree.insert(record.key, record.encoded.rawSpan)
        try account(for: head, delta: 1, owner: payer, generation: transaction.generation)
    }

    /// The subvolume that simple quotas charge for a new extent.
    private func payer(for changes: ArraySlice<ReferenceChange>) -> ObjectID? {
        guard transaction.quotas.isSimple else { return nil }
        for change in changes where change.delta > 0 {
            switch change.reference {
            case .data(let reference): return reference.root
            case .treeBlock(let root): return root
            default: continue
            }
        }
        return nil
    }

    /// The common case, without any array: an extent with one inline reference.
    private func insertSingle(_ change: ReferenceChange, in tree: Tree) throws(VolumeError) {
        let isData = change.level < 0
        let item = ExtentItem(
            refs: 1, generation: transaction.generation, flags: isData ? .data : .treeBlock)
        let byteCount = ExtentItem.byteCount + change.reference.byteCount
        scratch.change { (bytes: inout MutableRawSpan) in
            item.store(in: &bytes, at: 0)
            change.reference.store(in: &bytes, at: ExtentItem.byteCount)
        }
        let key =
            isData
            ? Key(ObjectID(change.address), .extentItem, change.size)
            : Key(ObjectID(change.address), .metadataItem, UInt64(change.level))
        let buffer = scratch
        try tree.insert(key, buffer.bytes.extracting(0..<byteCount))
    }

    private func newRecord(_ head: ReferenceChange) -> ExtentRecord {
        let isData = head.level < 0
        let hasBlockInfo = !isData && !isSkinny
        let key =
            isData || hasBlockInfo
            ? Key(ObjectID(head.address), .extentItem, head.size)
            : Key(ObjectID(head.address), .metadataItem, UInt64(head.level))
        return ExtentRecord(
            key: key,
            item: ExtentItem(
                refs: 0, generation: transaction.generation, flags: isData ? .data : .treeBlock),
            blockInfo: hasBlockInfo
                ? TreeBlockInfo(
                    key: transaction.firstKey(ofNewBlock: head.address), level: UInt8(head.level)) : nil)
    }

    private func account(
        for change: ReferenceChange, delta: Int64, owner: ObjectID?, generation: Generation
    ) throws(VolumeError) {
        let range = change.address..<change.address + change.size
        guard let group = try transaction.blockGroupStart(of: range) else {
            throw .damaged("no block group holds the extent at \(change.address)")
        }
        try transaction.blockGroups.count(delta * Int64(change.size), at: group)
        if delta > 0 { allocated.insert(range) } else { freed.insert(range) }
        if let owner {
            transaction.quotas.count(delta * Int64(change.size), for: owner, extentGeneration: generation)
        }
    }
}
