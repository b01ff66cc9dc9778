public import BtrfsFormat

// Changes of a tree. All of them first walk down to the leaf and copy every block on the way that is not yet
// new in this transaction (copy on write), then change the leaf in memory.

extension Tree {
    /// Adds an item.
    ///
    /// - Parameter data: must not lie in this tree's own memory.
    /// - Throws: `VolumeError.keyExists`, `.itemTooLarge`, `.noSpace`, or what reading blocks throws.
    /// - Complexity: O(log *n*) plus the items of a leaf.
    public func insert(_ key: Key, _ data: RawSpan) throws(VolumeError) {
        let (_, slot, found) = try leafForChange(key, inserting: true)
        if found { throw .keyExists(tree: id, key) }
        try add(key, data, at: slot)
    }

    /// Adds an item, or gives the one that is there new data of any size.
    ///
    /// - Parameter data: must not lie in this tree's own memory.
    public func put(_ key: Key, _ data: RawSpan) throws(VolumeError) {
        let (leaf, slot, found) = try leafForChange(key, inserting: true)
        if found {
            if data.byteCount - leaf.dataSize(at: slot) <= leaf.freeByteCount {
                leaf.resizeItem(at: slot, to: data.byteCount)
                leaf.setData(at: slot, data)
                return
            }
            try checkSize(data.byteCount, key)
            leaf.removeItem(at: slot)
        }
        try add(key, data, at: slot)
    }

    /// Adds bytes at the end of an item, if the leaf has the room.
    ///
    /// - Returns: false when it has not; the item is then as it was.
    func append(_ key: Key, _ bytes: RawSpan) throws(VolumeError) -> Bool {
        let (leaf, slot, found) = try leafForChange(key, inserting: false)
        guard found else { throw .noSuchKey(tree: id, key) }
        guard bytes.byteCount <= leaf.freeByteCount else { return false }
        let size = leaf.dataSize(at: slot)
        leaf.resizeItem(at: slot, to: size + bytes.byteCount)
        leaf.buffer.copy(bytes, to: leaf.dataOffset(at: slot) + size)
        return true
    }

    /// Cuts an item to its first `size` bytes.
    func truncate(_ key: Key, to size: Int) throws(VolumeError) {
        let (leaf, slot, found) = try leafForChange(key, inserting: false)
        guard found else { throw .noSuchKey(tree: id, key) }
        leaf.resizeItem(at: slot, to: min(size, leaf.dataSize(at: slot)))
    }

    /// Overwrites bytes of an item in place.
    ///
    /// - Throws: `VolumeError.noSuchKey`; `.damaged` when the item is shorter than that.
    public func patch(_ key: Key, at offset: Int, _ bytes: RawSpan) throws(VolumeError) {
        let (leaf, slot, found) = try leafForChange(key, inserting: false)
        guard found else { throw .noSuchKey(tree: id, key) }
        let size = leaf.dataSize(at: slot)
        guard offset >= 0, bytes.byteCount <= size, offset <= size - bytes.byteCount else {
            throw .damaged("the item is only \(size) bytes long", block: leaf.address, slot: slot, key: key)
        }
        leaf.buffer.copy(bytes, to: leaf.dataOffset(at: slot) + offset)
    }

    /// Gives `body` the data of an item to change in place.
    ///
    /// - Throws: `VolumeError.noSuchKey`, or what `body` throws.
    public func update(
        _ key: Key, _ body: (inout MutableRawSpan) throws(VolumeError) -> Void
    ) throws(VolumeError) {
        let (leaf, slot, found) = try leafForChange(key, inserting: false)
        guard found else { throw .noSuchKey(tree: id, key) }
        let offset = leaf.dataOffset(at: slot)
        let size = leaf.dataSize(at: slot)
        try leaf.buffer.change { (span: inout MutableRawSpan) throws(VolumeError) in
            var item = span._mutatingExtracting(offset..<offset + size)
            try body(&item)
        }
    }

    /// Removes an item.
    ///
    /// - Returns: false when there was none; the tree is then unchanged.
    @discardableResult
    public func remove(_ key: Key) throws(VolumeError) -> Bool {
        guard try contains(key) else { return false }
        let (leaf, slot, _) = try leafForChange(key, inserting: false)
        leaf.removeItem(at: slot)
        if leaf.count == 0 {
            try removeEmptyBlock(level: 0)
        } else {
            if slot == 0 { updateFirstKey(level: 0) }
            try mergeIfSparse(level: 0)
        }
        return true
    }

    // MARK: The way down

    var pathLeaf: TreeBlock { path.block(0) }

    /// Walks to the leaf where `key` is or belongs and makes every block on the way changeable.
    ///
    /// When something is to be inserted, nodes that are nearly full are split on the way, so that a split of the
    /// leaf always finds room for its pointers.
    private func leafForChange(
        _ key: Key, inserting: Bool
    ) throws(VolumeError) -> (leaf: TreeBlock, slot: Int, found: Bool) {
        if let known = path.leafForChange(key, inserting: inserting) { return known }
        path.begin()
        if !root.isNew { root = try copyForChange(root) }
        var block = root
        var high: Key?
        while block.level > 0 {
            let level = block.level
            path.set(block, at: level)
            if inserting && block.count >= NodeView.capacity(nodeSize: nodeSize) - 2 {
                try splitNode(level: level, for: key)
                block = path.block(level)
                // The other half may be what follows now.
                let (parent, next) = (path.block(level + 1), path.slot(level + 1) + 1)
                if next < parent.count { high = parent.key(at: next) }
            }
            let slot = block.childSlot(key)
            path.setSlot(slot, at: level)
            if slot + 1 < block.count { high = block.key(at: slot + 1) }
            var next = try child(at: slot, of: block)
            if !next.isNew {
                next = try copyForChange(next)
                block.setPointer(at: slot, to: next, generation: changing.generation)
            }
            block = next
        }
        path.set(block, at: 0)
        path.settle(below: high, hasRoom: inserting)
        let (slot, found) = block.search(key)
        path.setSlot(slot, at: 0)
        return (block, slot, found)
    }

    var changing: any BlockSource {
        guard let source else { preconditionFailure("tree \(id) was opened for reading") }
        return source
    }

    private func copyForChange(_ block: TreeBlock) throws(VolumeError) -> TreeBlock {
        path.forget(block)
        let mayBeShared = block !== root && id.isSubvolume && block.generation <= lastSnapshot
        return try changing.copyOnWrite(block, of: self, mayBeShared: mayBeShared || block.isRelocation)
    }

    /// Copies the root block to a new place, as a change of it would.
    func copyRoot() throws(VolumeError) {
        if !root.isNew { root = try copyForChange(root) }
    }

    func newBlock(level: Int) throws(VolumeError) -> TreeBlock {
        try changing.newBlock(of: self, level: level)
    }

    /// Puts the first key of the block at `level` of the path into the nodes above it.
    func updateFirstKey(level: Int) {
        // Where one leaf ends and the next begins is another key now.
        path.invalidate()
        var level = level
        while level < root.level {
            let block = path.block(level)
            let slot = path.slot(level + 1)
            path.block(level + 1).setKey(at: slot, block.key(at: 0))
            if slot > 0 { return }
            level += 1
        }
    }

    // MARK: Insertion

    private func checkSize(_ size: Int, _ key: Key) throws(VolumeError) {
        guard size + LeafView.itemHeaderByteCount <= nodeSize - BlockHeader.byteCount else {
            throw .itemTooLarge(tree: id, key, size: size)
        }
    }

    /// Adds an item that belongs at `slot` of the leaf to which the path leads.
    private func add(_ key: Key, _ data: RawSpan, at slot: Int) throws(VolumeError) {
        try checkSize(data.byteCount, key)
        let needed = data.byteCount + LeafView.itemHeaderByteCount
        try makeWay(at: slot, needed: needed)
        var leaf = pathLeaf
        if leaf.freeByteCount < needed {
            try splitLeaf(at: path.slot(0), needed: needed, key: key)
            leaf = pathLeaf
        }
        let slot = path.slot(0)
        leaf.insertItem(at: slot, key: key, size: data.byteCount)
        leaf.setData(at: slot, data)
        if slot == 0 { updateFirstKey(level: 0) }
    }

    // MARK: Removal

    /// Takes the empty block of the path at `level` out of the tree, and every node that gets empty by that.
    private func removeEmptyBlock(level: Int) throws(VolumeError) {
        path.invalidate()
        var level = level
        while level < root.level {
            changing.free(path.block(level), of: self)
            let parent = path.block(level + 1)
            parent.removePointer(at: path.slot(level + 1))
            level += 1
            if parent.count > 0 {
                if path.slot(level) == 0 { updateFirstKey(level: level) }
                try shrinkRoot()
                return
            }
        }
        if root.level > 0 {
            // Nothing is left: the tree becomes one empty leaf.
            changing.free(root, of: self)
            root = try newBlock(level: 0)
        }
    }

    /// Makes the only child of the root the root, as often as there is only one.
    private func shrinkRoot() throws(VolumeError) {
        while root.level > 0, root.count == 1 {
            var only = try child(at: 0, of: root)
            if !only.isNew { only = try copyForChange(only) }
            changing.free(root, of: self)
            root = only
        }
    }

    /// Joins a block of the path that has become nearly empty with a neighbour under the same parent.
    private func mergeIfSparse(level: Int) throws(VolumeError) {
        guard level < root.level else { return }
        let block = path.block(level)
        let parent = path.block(level + 1)
        let slot = path.slot(level + 1)
        let limit = nodeSize - BlockHeader.byteCount
        guard block.usedByteCount < limit / 4 else { return }
        if slot > 0 {
            let left = try child(at: slot - 1, of: parent)
            if left.usedByteCount + block.usedByteCount <= limit * 3 / 4 {
                let target = try changeable(left, at: slot - 1, of: parent)
                for index in 0..<block.count {
                    target.insertItem(at: target.count, key: block.key(at: index), size: block.dataSize(at: index))
                    target.setData(at: target.count - 1, block.data(at: index))
                }
                try removeEmptyBlock(level: level)
                return
            }
        }
        if slot + 1 < parent.count {
            let right = try child(at: slot + 1, of: parent)
            if right.usedByteCount + block.usedByteCount <= limit * 3 / 4 {
                let target = try changeable(right, at: slot + 1, of: parent)
                block.moveItems(from: 0, toFrontOf: target)
                parent.setKey(at: slot + 1, target.key(at: 0))
                try removeEmptyBlock(level: level)
            }
        }
    }

    private func changeable(
        _ block: TreeBlock, at slot: Int, of parent: TreeBlock
    ) throws(VolumeError) -> TreeBlock {
        if block.isNew { return block }
        let copy = try copyForChange(block)
        parent.setPointer(at: slot, to: copy, generation: changing.generation)
        return copy
    }
}
