internal import BtrfsFormat

/// The changes of references that a transaction has queued, and their way into the extent tree.
///
/// Changing the extent tree copies its blocks, which queues more changes: `run` is called until nothing is left.
/// The corresponding kernel functions are in `delayed-ref.c`.
final class ExtentUpdates {
    private unowned let transaction: Transaction
    private var changes: ContiguousArray<ReferenceChange> = []
    /// What is queued for old tree blocks: their number of references and flags may be asked for again.
    private var metadata: [UInt64: (delta: Int64, flags: ExtentItem.Flags)] = [:]
    /// Data extents that came into being in this transaction: address and size.
    private(set) var newData: [UInt64: UInt64] = [:]
    /// What `run` allocated and freed, for the free space tree.
    var allocated = RangeSet()
    var freed = RangeSet()
    private let isSkinny: Bool
    private let nodeSize: UInt64

    init(_ transaction: Transaction) {
        self.transaction = transaction
        isSkinny = transaction.volume.superblock.incompat.contains(.skinnyMetadata)
        nodeSize = UInt64(transaction.volume.nodeSize)
    }

    var isEmpty: Bool { changes.isEmpty }

    // MARK: Queueing

    func queueBlock(
        _ address: LogicalAddress, level: Int, _ reference: InlineRef, delta: Int32, isNew: Bool = false
    ) {
        changes.append(
            ReferenceChange(
                address: address.rawValue, size: nodeSize, level: Int8(truncatingIfNeeded: level), delta: delta,
                reference: reference))
        if !isNew { metadata[address.rawValue, default: (0, [])].delta += Int64(delta) }
    }

    func queueFlags(_ flags: ExtentItem.Flags, for address: LogicalAddress, level: Int) {
        changes.append(
            ReferenceChange(
                address: address.rawValue, size: nodeSize, level: Int8(truncatingIfNeeded: level), delta: 0,
                flags: flags, reference: .treeBlock(root: ObjectID(0))))
        metadata[address.rawValue, default: (0, [])].flags.formUnion(flags)
    }

    func queueData(_ address: LogicalAddress, size: UInt64, _ reference: InlineRef, delta: Int32) {
        changes.append(
            ReferenceChange(
                address: address.rawValue, size: size, level: -1, delta: delta, reference: reference))
    }

    func noteNewData(_ address: LogicalAddress, size: UInt64) { newData[address.rawValue] = size }

    // MARK: Looking up

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

    // MARK: Running

    /// Brings all that is queued into the extent tree, in the order of addresses.
    func run() throws(VolumeError) {
        var batch = ContiguousArray<ReferenceChange>()
        swap(&batch, &changes)
        metadata.removeAll(keepingCapacity: true)
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
            end = head.address + head.size
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
        let isData = head.level < 0
        var key = Key(ObjectID(head.address), .extentItem, head.size)
        if !isData, let found = try blockKey(head.address, level: Int(head.level), in: tree) { key = found }
        let data = try tree.find(key)
        var record: ExtentRecord
        let isNew = data == nil
        if let data {
            do { record = try ExtentRecord(key: key, data) } catch { throw .format(error.at(key: key)) }
        } else {
            record = newRecord(head)
        }
        for change in changes where change.delta > 0 {
            try record.add(change.reference, count: UInt32(change.delta), in: tree)
        }
        for change in changes where change.delta <= 0 {
            record.item.flags.formUnion(change.flags)
            if change.delta < 0 { try record.drop(change.reference, count: UInt32(-change.delta), in: tree) }
        }
        if record.item.refs > 0 {
            if isNew { try checkNew(head, in: tree) }
            if isNew, isData, transaction.quotas.isSimple {
                for change in changes where change.delta > 0 {
                    guard case .data(let reference) = change.reference else { continue }
                    record.setOwner(reference.root)
                    break
                }
            }
            try tree.put(record.key, record.encoded.rawSpan)
            if isNew { try account(for: record, size: head.size, isData: isData, delta: 1) }
        } else {
            if !isNew {
                try tree.remove(record.key)
                try account(for: record, size: head.size, isData: isData, delta: -1)
            }
            if isData { try transaction.deleteChecksums(LogicalAddress(head.address), count: head.size) }
        }
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

    /// A last check before an extent is recorded: no other one may lie there.
    private func checkNew(_ head: ReferenceChange, in tree: Tree) throws(VolumeError) {
        let state = try ExtentLookup.overlap(
            head.address..<head.address + head.size, in: tree, nodeSize: nodeSize)
        if let state { throw .refused("\(describe(head)): the space at \(head.address) is in use: \(state)") }
    }

    private func account(
        for record: ExtentRecord, size: UInt64, isData: Bool, delta: Int64
    ) throws(VolumeError) {
        let range = record.key.objectID.rawValue..<record.key.objectID.rawValue + size
        guard let group = try transaction.blockGroupStart(of: range) else {
            throw .damaged("no block group holds this extent", key: record.key)
        }
        try transaction.blockGroups.count(delta * Int64(size), at: group)
        if delta > 0 { allocated.insert(range) } else { freed.insert(range) }
        transaction.quotas.count(record, size: size, isData: isData, delta: delta)
    }
}

/// Finds out what the extent tree says about a range of addresses.
enum ExtentLookup {
    /// What overlaps `range`, for people; nil when nothing does.
    static func overlap(
        _ range: Range<UInt64>, in tree: Tree, nodeSize: UInt64
    ) throws(VolumeError) -> String? {
        let cursor = tree.makeCursor()
        // Extents do not overlap each other, so the last one that starts before the end of the range tells. Items
        // of other types under its address (references, block groups) are jumped over.
        var isThere = try cursor.seekLast(through: Key(ObjectID(range.upperBound - 1), .metadataItem, .max))
        while isThere {
            let key = cursor.key
            let start = key.objectID.rawValue
            if key.type == .extentItem || key.type == .metadataItem {
                let (end, overflow) = start.addingReportingOverflow(
                    key.type == .extentItem ? key.offset : nodeSize)
                guard !overflow else {
                    throw .damaged("impossible length", block: cursor.block, slot: cursor.slot, key: key)
                }
                return end > range.lowerBound ? "\(key)" : nil
            }
            isThere =
                key.type > .metadataItem
                ? try cursor.seekLast(through: Key(key.objectID, .metadataItem, .max)) : try cursor.previous()
        }
        return nil
    }
}
