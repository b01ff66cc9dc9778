public import BtrfsFormat

/// A place in a tree. After the tree has changed the cursor has to seek again.
public final class TreeCursor {
    /// The tree in which the cursor stands.
    public let tree: Tree
    // By level; as many as a tree can have. Not an array, which would be checked for exclusive access.
    private let blocks = ReferenceTable<TreeBlock>(
        count: BlockHeader.maximumLevels, capacity: BlockHeader.maximumLevels)
    private var slots: [8 of Int] = .init(repeating: 0)
    private var leaf: TreeBlock?
    private var position = 0
    /// The shape of the tree when the cursor came to its leaf.
    private var shape = -1

    init(_ tree: Tree) { self.tree = tree }

    /// The number of the item in its leaf.
    public var slot: Int { position }

    /// Whether the cursor stands on an item.
    public var isValid: Bool {
        guard let leaf else { return false }
        return position < leaf.count
    }

    private var current: TreeBlock {
        guard let leaf else { preconditionFailure("the cursor stands nowhere") }
        return leaf
    }

    /// The key of the item; the cursor must be valid.
    public var key: Key { current.key(at: position) }

    /// The data of the item; the cursor must be valid.
    public var data: RawSpan {
        @_lifetime(borrow self) get { held(current.data(at: position), by: self) }
    }

    /// The leaf that holds the item.
    public var block: LogicalAddress { leaf?.address ?? LogicalAddress(0) }

    /// Moves to the first item whose key is not below `key`.
    ///
    /// - Returns: whether that item has just this key.
    /// - Complexity: O(log *n*).
    @discardableResult
    public func seek(_ key: Key) throws(VolumeError) -> Bool {
        let found: Bool
        if let leaf, shape == tree.path.shape, leaf.count > 0, leaf.key(at: 0) <= key,
            key <= leaf.key(at: leaf.count - 1)
        {
            // What is asked for next is often in the same leaf.
            (position, found) = leaf.search(key, near: position)
            return found
        }
        shape = tree.path.shape
        let block: TreeBlock
        if let way = tree.path.way(to: key) {
            follow(way)
            (block, position, found) = tree.path.search(key, onWay: way)
        } else {
            leaf = nil
            block = try descend(to: key)
            (position, found) = block.search(key)
        }
        leaf = block
        if position >= block.count, try !nextLeaf() { leaf = nil }
        return found
    }

    @inline(__always)
    private func descend(to key: Key) throws(VolumeError) -> TreeBlock {
        var block = tree.root
        while block.level > 0 {
            let slot = block.childSlot(key)
            blocks[block.level] = block
            slots[block.level] = slot
            block = try tree.child(at: slot, of: block)
        }
        return block
    }

    /// Takes over a way that a change of the tree went.
    private func follow(_ way: Int) {
        let path = tree.path
        var level = tree.root.level
        while level > 0 {
            blocks[level] = path.block(level, ofWay: way)
            slots[level] = path.slot(level, ofWay: way)
            level &-= 1
        }
    }

    /// Moves to the last item whose key is not above `key`.
    ///
    /// - Returns: false when there is none; the cursor is then not valid.
    public func seekLast(through key: Key) throws(VolumeError) -> Bool {
        if try seek(key) { return true }
        if leaf != nil { return try previous() }
        return try seekToEnd()
    }

    /// Moves to the last item of the tree.
    private func seekToEnd() throws(VolumeError) -> Bool {
        var block = tree.root
        while block.level > 0 {
            blocks[block.level] = block
            slots[block.level] = block.count - 1
            block = try tree.child(at: block.count - 1, of: block)
        }
        leaf = block.count > 0 ? block : nil
        position = block.count - 1
        return leaf != nil
    }

    /// Moves to the next item.
    ///
    /// - Returns: false at the end; the cursor is then not valid.
    public func next() throws(VolumeError) -> Bool {
        guard let leaf else { return false }
        position &+= 1
        if position < leaf.count { return true }
        if try nextLeaf() { return true }
        self.leaf = nil
        return false
    }

    private func nextLeaf() throws(VolumeError) -> Bool {
        var level = 1
        while level <= tree.root.level {
            guard let node = blocks[level] else { return false }
            if slots[level] + 1 < node.count {
                slots[level] += 1
                try descend(from: node, last: false)
                return true
            }
            level += 1
        }
        return false
    }

    /// Moves to the item before.
    ///
    /// - Returns: false at the beginning; the cursor is then not valid.
    public func previous() throws(VolumeError) -> Bool {
        guard leaf != nil else { return false }
        if position > 0 {
            position -= 1
            return true
        }
        var level = 1
        while level <= tree.root.level {
            guard let node = blocks[level] else { return false }
            if slots[level] > 0 {
                slots[level] -= 1
                try descend(from: node, last: true)
                return true
            }
            level += 1
        }
        leaf = nil
        return false
    }

    private func descend(from node: TreeBlock, last: Bool) throws(VolumeError) {
        var block = try tree.child(at: slots[node.level], of: node)
        while block.level > 0 {
            let slot = last ? block.count - 1 : 0
            blocks[block.level] = block
            slots[block.level] = slot
            block = try tree.child(at: slot, of: block)
        }
        leaf = block
        position = last ? block.count - 1 : 0
    }
}
