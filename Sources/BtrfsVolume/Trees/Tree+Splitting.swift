internal import BtrfsFormat

// How a tree gets room for what is added: items move between leaves that stand side by side, leaves and nodes are
// split. All of it works on the present way of `path`.

extension Tree {
    /// Splits the leaf of the path so that an item of `needed` bytes fits at `slot`; the path then leads to the
    /// place for it.
    func splitLeaf(at slot: Int, needed: Int, key: Key) throws(VolumeError) {
        let leaf = pathLeaf
        if slot == leaf.count {
            // What is added in ascending order fills its leaves.
            try addLeafAfterPath(firstKey: key)
            return
        }
        if pushToLeft(of: slot, needed: needed) { return }
        let middle = balancedSplit(of: leaf)
        let at = fits(needed, at: slot, splitting: leaf, at: middle) ? middle : slot
        let right = try newBlock(level: 0)
        leaf.moveItems(from: at, toEmpty: right)
        try insertIntoParent(right, key: right.key(at: 0))
        if slot > at || (slot == at && leaf.freeByteCount < needed && right.freeByteCount >= needed) {
            advancePath(to: right)
            path.setSlot(slot - at, at: 0)
        } else if leaf.freeByteCount < needed {
            // Neither side has room: the item gets a leaf of its own between them.
            try addLeafAfterPath(firstKey: key)
        }
    }

    /// Moves items in front of `slot` to the leaf before the one of the path, where that has room for so many that an
    /// item of `needed` bytes fits at `slot`; the path then leads to the place for it.
    ///
    /// Items often are added between others in ascending order; what lies in front of them is then complete, and
    /// so leaves get full in spite of splits. The corresponding kernel function is `push_leaf_left`.
    private func pushToLeft(of slot: Int, needed: Int) -> Bool {
        guard root.level > 0, slot > 0, path.slot(1) > 0 else { return false }
        let leaf = pathLeaf
        let parent = path.block(1)
        let parentSlot = path.slot(1)
        guard let left = parent.children[parentSlot - 1], left.isNew else { return false }
        let (moved, size) = leaf.firstItems(upTo: slot, fitting: left.freeByteCount)
        // A few bytes at a time would cost more than a split.
        guard leaf.freeByteCount + size >= needed, moved == slot || size >= nodeSize / 8 else { return false }
        path.invalidate()
        leaf.moveFirstItems(moved, toEndOf: left)
        parent.setKey(at: parentSlot, leaf.key(at: 0))
        path.setSlot(slot - moved, at: 0)
        return true
    }

    /// Sees to it that an item which is added near the start of a long leaf need not move all that is behind it.
    ///
    /// Where the last addition was at the end of the leaf before, items are being added between others in ascending
    /// order, and the next ones will come here too. So the first few items go to the end of the leaf before, or, when
    /// that is full, stay as a short leaf; the additions then move only those.
    func makeWay(at slot: Int, needed: Int) throws(VolumeError) {
        guard slot > 0, slot <= 4, needed < nodeSize / 4, root.level > 0, path.slot(1) > 0 else { return }
        let leaf = pathLeaf
        let parent = path.block(1)
        let parentSlot = path.slot(1)
        let behind = leaf.dataByteCount(from: slot)
        guard behind > nodeSize / 4, let left = parent.children[parentSlot - 1], left.isNew,
            (left.count - 2..<left.count).contains(left.lastInsertedSlot)
        else { return }
        let most = nodeSize / 8
        // The moved items are going to have others between them.
        let (moved, _) = leaf.firstItems(upTo: leaf.count - 1, fitting: min(most, (left.freeByteCount - needed) / 2))
        if moved >= slot {
            path.forget(leaf)
            path.forget(left)
            path.set(left, at: 0)
            path.setSlot(left.count + slot, at: 0)
            path.setSlot(parentSlot - 1, at: 1)
            leaf.moveFirstItems(moved, toEndOf: left)
            parent.setKey(at: parentSlot, leaf.key(at: 0))
        } else {
            // Afterwards the leaf has room, so that it is not split once more. It has to get enough from the other one.
            let (kept, _) = leaf.firstItems(upTo: leaf.count - 1, fitting: most)
            guard kept >= slot, behind > nodeSize / 2 else { return }
            let right = try newBlock(level: 0)
            leaf.moveItems(from: kept, toEmpty: right)
            try insertIntoParent(right, key: right.key(at: 0))
        }
    }

    private func balancedSplit(of leaf: TreeBlock) -> Int {
        let half = leaf.usedByteCount / 2
        var used = 0
        for slot in 0..<leaf.count {
            used += leaf.dataSize(at: slot) + LeafView.itemHeaderByteCount
            if used >= half { return min(max(slot + 1, 1), leaf.count - 1) }
        }
        return leaf.count - 1
    }

    private func fits(_ needed: Int, at slot: Int, splitting leaf: TreeBlock, at middle: Int) -> Bool {
        guard middle > 0, middle < leaf.count else { return false }
        let moved = leaf.dataByteCount(from: middle)
        let right = moved + (leaf.count - middle) * LeafView.itemHeaderByteCount
        let left = leaf.usedByteCount - right
        let side = slot > middle ? right : left
        return side + needed <= nodeSize - BlockHeader.byteCount
    }

    /// Puts an empty leaf behind the one of the path and leads the path to its only place.
    private func addLeafAfterPath(firstKey: Key) throws(VolumeError) {
        let right = try newBlock(level: 0)
        try insertIntoParent(right, key: firstKey)
        advancePath(to: right)
        path.setSlot(0, at: 0)
    }

    /// Hooks a new block into the tree right behind the block of the path at the same level.
    private func insertIntoParent(_ right: TreeBlock, key: Key) throws(VolumeError) {
        path.invalidate()
        let level = right.level
        if level == root.level { try growRoot() }
        let slot = path.slot(level + 1)
        path.block(level + 1).insertPointer(at: slot + 1, to: right, key: key, generation: changing.generation)
    }

    /// Leads the path from the block at its level to the one right behind it, which is under the same parent.
    private func advancePath(to right: TreeBlock) {
        path.set(right, at: right.level)
        path.setSlot(path.slot(right.level + 1) + 1, at: right.level + 1)
    }

    /// Puts a new root with one pointer above the present one.
    private func growRoot() throws(VolumeError) {
        let level = root.level + 1
        guard level < BlockHeader.maximumLevels else { throw .noSpace("tree \(id) would get too high") }
        let old = root
        let new = try newBlock(level: level)
        // A leaf that is being refilled has no first key of its own at this moment.
        let key = old.count > 0 ? old.key(at: 0) : Key.minimum
        new.insertPointer(at: 0, to: old, key: key, generation: changing.generation)
        root = new
        path.set(new, at: level)
        path.setSlot(0, at: level)
    }

    /// Splits the node of the path at `level`; the path then leads to the half where `key` belongs.
    func splitNode(level: Int, for key: Key) throws(VolumeError) {
        let node = path.block(level)
        let slot = node.childSlot(key)
        let right = try newBlock(level: level)
        let at = slot == node.count - 1 ? node.count - 1 : node.count / 2
        let firstKey = node.key(at: at)
        node.movePointers(from: at, toEndOf: right)
        try insertIntoParent(right, key: firstKey)
        if key >= firstKey { advancePath(to: right) }
    }
}
