/// An item that breaks a rule.
public struct DamagedItem: Sendable {
    /// Its place in the leaf, from 0.
    public var slot: Int
    /// Its key.
    public var key: Key
    /// The rule.
    public var error: FormatError
}

/// Whether a leaf is one: its structure, and the content of its items.
///
/// The structure is valid if and only if
/// 1. the headers of all items fit the block,
/// 2. their keys ascend,
/// 3. their data is packed from the end of the block towards the front, without gap and without overlap,
/// 4. it does not reach into the headers, and
/// 5. there is an item, unless the leaf is the root of a tree that may be empty.
///
/// The corresponding kernel function is `btrfs_check_leaf`.
public enum LeafChecker {
    /// Checks structure and items of a leaf.
    ///
    /// - Throws: `FormatError` with slot and key of the first item that breaks a rule.
    /// - Complexity: O(*n*) of the block's size.
    public static func check(_ block: RawSpan, _ context: CheckContext) throws(FormatError) {
        try checkStructure(block, context)
        let leaf = LeafView(block)
        var checker = ItemChecker(context)
        for slot in 0..<(try leaf.count) {
            do {
                try checker.check(key: try leaf.key(at: slot), data: try leaf.data(at: slot))
            } catch { throw error.at(slot: slot) }
        }
    }

    /// Checks that keys and data of all items can be relied on, whatever the data says.
    ///
    /// - Throws: `FormatError` with slot and key of the first item that breaks a rule.
    public static func checkStructure(_ block: RawSpan, _ context: CheckContext) throws(FormatError) {
        guard block.byteCount == context.nodeSize else {
            throw .invalid("a block has \(context.nodeSize) bytes, not \(block.byteCount)")
        }
        let leaf = LeafView(block)
        let count = try leaf.count
        let capacity = (context.nodeSize - BlockHeader.byteCount) / LeafView.itemHeaderByteCount
        guard count <= capacity else {
            throw .invalid("\(count) items in a leaf that has room for \(capacity)")
        }
        guard count > 0 || mayBeEmpty(context) else {
            throw .invalid("a leaf of tree \(context.owner) has no items")
        }
        let headersEnd = LeafView.headerOffset(count)
        var dataStart = context.nodeSize
        var previous: Key?
        for slot in 0..<count {
            let key = try leaf.key(at: slot)
            if let previous, previous >= key {
                throw FormatError.invalid("the key does not follow \(previous)").at(slot: slot, key: key)
            }
            let range = try leaf.dataRange(at: slot)
            guard range.offset + range.size == dataStart, range.offset >= headersEnd else {
                throw FormatError.invalid(
                    "the data is at bytes \(range.offset) to \(range.offset + range.size); "
                        + "it must end at \(dataStart) and not start before \(headersEnd)"
                ).at(slot: slot, key: key)
            }
            dataStart = range.offset
            previous = key
        }
    }

    /// All items that break a rule.
    ///
    /// - Throws: `FormatError` when the structure of the leaf is damaged, so that it cannot be said what its
    ///   items are.
    public static func damagedItems(
        in block: RawSpan, _ context: CheckContext
    ) throws(FormatError) -> [DamagedItem] {
        try checkStructure(block, context)
        let leaf = LeafView(block)
        var checker = ItemChecker(context)
        var damaged: [DamagedItem] = []
        for slot in 0..<(try leaf.count) {
            let key = try leaf.key(at: slot)
            do {
                try checker.check(key: key, data: try leaf.data(at: slot))
            } catch { damaged.append(DamagedItem(slot: slot, key: key, error: error.at(slot: slot))) }
        }
        return damaged
    }

    /// Trees without which there is no volume always hold something.
    private static func mayBeEmpty(_ context: CheckContext) -> Bool {
        if context.isLog { return true }
        switch context.owner {
        case .rootTree, .extentTree, .chunkTree, .deviceTree, .fileTree, .dataRelocationTree: return false
        default: return true
        }
    }
}

/// Whether an internal node is one.
///
/// Valid if and only if it has at least one pointer and no more than fit, the keys ascend, and all pointers
/// lead to a multiple of the sector size that is not 0.
///
/// The corresponding kernel function is `btrfs_check_node`.
public enum NodeChecker {
    /// - Throws: `FormatError` with slot and key of the first pointer that breaks a rule.
    public static func check(_ block: RawSpan, _ context: CheckContext) throws(FormatError) {
        guard block.byteCount == context.nodeSize else {
            throw .invalid("a block has \(context.nodeSize) bytes, not \(block.byteCount)")
        }
        let level = try block.u8(at: BlockHeader.levelOffset)
        guard (1..<BlockHeader.maximumLevels).contains(Int(level)) else {
            throw .invalid("a node of level \(level); nodes have levels 1 to 7")
        }
        let node = NodeView(block)
        let count = try node.count
        let capacity = NodeView.capacity(nodeSize: context.nodeSize)
        guard (1...capacity).contains(count) else {
            throw .invalid("\(count) pointers in a node, not 1 to \(capacity)")
        }
        var previous: Key?
        for slot in 0..<count {
            let key = try node.key(at: slot)
            if let previous, previous >= key {
                throw FormatError.invalid("the key does not follow \(previous)").at(slot: slot, key: key)
            }
            let child = try node.child(at: slot)
            guard child.rawValue != 0, context.isAligned(child.rawValue) else {
                throw FormatError.invalid(
                    "the pointer is \(child), not a multiple of \(context.sectorSize) above 0"
                ).at(slot: slot, key: key)
            }
            previous = key
        }
    }
}
