internal import BtrfsFormat

/// All that the extent tree says about one extent, to be changed and stored again: the extent item with the
/// references in it, and the references that are items of their own.
struct ExtentRecord {
    let key: Key
    var item: ExtentItem
    private var blockInfo: TreeBlockInfo?
    private var inline: [InlineRef] = []
    private var droppedTree: ObjectID?

    /// A new extent.
    init(key: Key, item: ExtentItem, blockInfo: TreeBlockInfo?) {
        self.key = key
        self.item = item
        self.blockInfo = blockInfo
    }

    /// The extent item as it stands in the tree.
    init(key: Key, _ bytes: RawSpan) throws(FormatError) {
        self.key = key
        item = try ExtentItem(bytes)
        if item.hasTreeBlockInfo(in: key.type) {
            blockInfo = try TreeBlockInfo(
                bytes.slice(at: ExtentItem.byteCount, count: TreeBlockInfo.byteCount))
        }
        var refs = try InlineRefs(bytes, in: key.type)
        while let reference = try refs.next() { inline.append(reference) }
    }

    /// The subvolume that pays for the extent under simple quotas; nil where none is recorded.
    var owner: ObjectID? {
        if case .owner(let root)? = inline.first { return root }
        return nil
    }

    /// The tree whose block this is; of a freed one, the tree that dropped it last.
    var accountedTree: ObjectID? {
        for case .treeBlock(let root) in inline { return root }
        return droppedTree
    }

    mutating func setOwner(_ root: ObjectID) { inline.insert(.owner(root: root), at: 0) }

    private var byteCount: Int {
        inline.reduce(ExtentItem.byteCount + (blockInfo == nil ? 0 : TreeBlockInfo.byteCount)) { $0 + $1.byteCount }
    }

    var encoded: [UInt8] {
        [UInt8](byteCount: byteCount) { (target: inout MutableRawSpan) in
            item.store(in: &target, at: 0)
            var position = ExtentItem.byteCount
            if let blockInfo {
                blockInfo.store(in: &target, at: position)
                position += TreeBlockInfo.byteCount
            }
            for reference in inline {
                reference.store(in: &target, at: position)
                position += reference.byteCount
            }
        }
    }

    /// Adds `count` uses by `reference`, inline as long as the item stays small.
    ///
    /// The corresponding kernel function is `__btrfs_inc_extent_ref`.
    mutating func add(_ reference: InlineRef, count: UInt32, in tree: Tree) throws(VolumeError) {
        item.refs &+= UInt64(count)
        if let index = inline.firstIndex(where: { $0.isSameReferrer(as: reference) }) {
            let (sum, overflow) = inline[index].count.addingReportingOverflow(count)
            guard !overflow else { throw .damaged("too many references", key: key) }
            inline[index] = inline[index].withCount(sum)
            return
        }
        if let (place, old) = try keyed(reference, in: tree) {
            let (sum, overflow) = old.count.addingReportingOverflow(count)
            guard !overflow else { throw .damaged("too many references", key: place) }
            try tree.put(place, old.withCount(sum).keyedItem.rawSpan)
            return
        }
        let new = reference.withCount(count)
        if byteCount + new.byteCount <= Self.inlineLimit(nodeSize: tree.nodeSize) {
            let index = inline.firstIndex { new.precedes($0) } ?? inline.count
            inline.insert(new, at: index)
        } else {
            try tree.insert(try freeKey(for: new, in: tree), new.keyedItem.rawSpan)
        }
    }

    /// Takes `count` uses by `reference` away.
    ///
    /// - Throws: `VolumeError.damaged` when there are fewer.
    mutating func drop(_ reference: InlineRef, count: UInt32, in tree: Tree) throws(VolumeError) {
        func missing() -> VolumeError {
            .damaged("the extent has no such reference to drop: \(reference); run btrfs check", key: key)
        }
        guard item.refs >= UInt64(count) else { throw missing() }
        item.refs -= UInt64(count)
        if case .treeBlock(let root) = reference { droppedTree = root }
        if let index = inline.firstIndex(where: { $0.isSameReferrer(as: reference) }) {
            guard inline[index].count >= count else { throw missing() }
            if inline[index].count == count {
                inline.remove(at: index)
            } else {
                inline[index] = inline[index].withCount(inline[index].count - count)
            }
            return
        }
        guard let (place, old) = try keyed(reference, in: tree), old.count >= count else { throw missing() }
        if old.count == count {
            try tree.remove(place)
        } else {
            try tree.put(place, old.withCount(old.count - count).keyedItem.rawSpan)
        }
    }

    /// How large an extent item may get before references become items of their own.
    private static func inlineLimit(nodeSize: Int) -> Int {
        (nodeSize - BlockHeader.byteCount) / 16 - LeafView.itemHeaderByteCount
    }

    // MARK: Keyed references

    /// The item that holds `reference`; data references with one hash stand behind each other.
    private func keyed(_ reference: InlineRef, in tree: Tree) throws(VolumeError) -> (Key, InlineRef)? {
        var place = Key(key.objectID, reference.type, reference.sequence)
        for _ in 0..<Self.collisionLimit {
            guard let data = try tree.find(place) else { return nil }
            do {
                switch reference {
                case .data:
                    let found = InlineRef.data(try ExtentDataRef(data))
                    if found.isSameReferrer(as: reference) { return (place, found) }
                case .sharedData(let parent, _):
                    return (place, .sharedData(parent: parent, count: try SharedDataRef(data).count))
                default:
                    return (place, reference)
                }
            } catch { throw .format(error.at(key: place)) }
            guard place.offset < .max else { return nil }
            place.offset += 1
        }
        throw .damaged("more than \(Self.collisionLimit) references with one hash", key: place)
    }

    /// The hash has 63 bits: a run of this many was made on purpose, and would take its time at each search.
    private static var collisionLimit: Int { 1024 }

    private func freeKey(for reference: InlineRef, in tree: Tree) throws(VolumeError) -> Key {
        var place = Key(key.objectID, reference.type, reference.sequence)
        if case .data = reference {
            while try tree.contains(place), place.offset < .max { place.offset += 1 }
        }
        return place
    }
}
