internal import BtrfsFormat

// Changes within one block. Callers have made sure that the block is new in this transaction and, for
// insertions, that it has the room; what would break the block is a programming error and traps.

extension TreeBlock {
    // MARK: Leaves

    /// Makes room for an item of `size` bytes in `slot`; its data is not set.
    ///
    /// Only headers move for an item between others: its data goes in front of all other data, out of order.
    ///
    /// - Complexity: O(items after `slot`).
    func insertItem(at slot: Int, key: Key, size: Int) {
        precondition(isNew && level == 0 && slot >= 0 && slot <= count)
        precondition(freeByteCount >= size + LeafView.itemHeaderByteCount)
        let header = LeafView.headerOffset(slot)
        let start = dataStart - size
        if slot < count {
            buffer.move(
                from: header, to: header + LeafView.itemHeaderByteCount,
                count: (count - slot) * LeafView.itemHeaderByteCount)
        }
        if slot < count || looseDataStart != nil { looseDataStart = start }
        buffer.store(key, at: header)
        setDataOffset(start, at: slot)
        buffer.store(UInt32(truncatingIfNeeded: size), at: header + LeafView.dataSizeOffset)
        setCount(count + 1)
        lastInsertedSlot = slot
    }

    @inline(__always)
    private func setDataOffset(_ offset: Int, at slot: Int) {
        buffer.store(
            UInt32(truncatingIfNeeded: offset - BlockHeader.byteCount),
            at: LeafView.headerOffset(slot) + LeafView.dataOffsetOffset)
    }

    /// Puts the data of a leaf in the order of its items, as the format wants it: that of the first item at the end.
    ///
    /// Leaves often get many items before anybody needs the order, and in the end another thread makes it.
    private func putDataInOrder() {
        guard let start = looseDataStart else { return }
        looseDataStart = nil
        var end = buffer.count
        var slot = 0
        while slot < count, dataOffset(at: slot) + dataSize(at: slot) == end {
            end = dataOffset(at: slot)
            slot += 1
        }
        let loose = BlockBuffer(copyOf: buffer, from: start, to: end)
        while slot < count {
            let size = dataSize(at: slot)
            end -= size
            if size > 0 { buffer.copy(from: loose, at: dataOffset(at: slot) - start, to: end, count: size) }
            setDataOffset(end, at: slot)
            slot += 1
        }
    }

    @inline(__always)
    private func shiftDataOffsets(from slot: Int, by delta: Int) {
        buffer.add(
            UInt32(truncatingIfNeeded: delta), at: LeafView.headerOffset(slot) + LeafView.dataOffsetOffset,
            step: LeafView.itemHeaderByteCount, number: count - slot)
    }

    func removeItem(at slot: Int) {
        precondition(isNew && level == 0 && slot >= 0 && slot < count)
        putDataInOrder()
        let size = dataSize(at: slot)
        let start = dataStart
        let offset = dataOffset(at: slot)
        buffer.move(from: start, to: start + size, count: offset - start)
        let header = LeafView.headerOffset(slot)
        buffer.move(
            from: header + LeafView.itemHeaderByteCount, to: header,
            count: (count - slot - 1) * LeafView.itemHeaderByteCount)
        setCount(count - 1)
        if slot < count { shiftDataOffsets(from: slot, by: size) }
    }

    /// Gives the item in `slot` a new size; bytes are added or cut at its end.
    func resizeItem(at slot: Int, to size: Int) {
        precondition(isNew && level == 0 && slot >= 0 && slot < count)
        let old = dataSize(at: slot)
        let growth = size - old
        if growth == 0 { return }
        precondition(growth <= freeByteCount)
        putDataInOrder()
        let start = dataStart
        let end = dataOffset(at: slot) + min(old, size)
        buffer.move(from: start, to: start - growth, count: end - start)
        shiftDataOffsets(from: slot, by: -growth)
        buffer.store(
            UInt32(truncatingIfNeeded: size), at: LeafView.headerOffset(slot) + LeafView.dataSizeOffset)
    }

    func setData(at slot: Int, _ data: RawSpan) {
        precondition(isNew && data.byteCount == dataSize(at: slot))
        buffer.copy(data, to: dataOffset(at: slot))
    }

    /// Moves the items from `slot` on to the front of `target`, a leaf whose keys all lie above them.
    func moveItems(from slot: Int, toFrontOf target: TreeBlock) {
        let moved = count - slot
        guard moved > 0 else { return }
        putDataInOrder()
        for _ in 0..<moved {
            let last = count - 1
            target.insertItem(at: 0, key: key(at: last), size: dataSize(at: last))
            target.buffer.copy(
                from: buffer, at: dataOffset(at: last), to: target.dataOffset(at: 0), count: dataSize(at: last))
            setCount(last)
        }
    }

    /// Moves the items from `slot` on to an empty leaf in two block copies.
    func moveItems(from slot: Int, toEmpty target: TreeBlock) {
        precondition(target.count == 0 && isNew && target.isNew && level == 0 && target.level == 0)
        let moved = count - slot
        guard moved > 0 else { return }
        putDataInOrder()
        let start = dataStart
        let end = slot == 0 ? buffer.count : dataOffset(at: slot - 1)
        target.buffer.copy(
            from: buffer, at: LeafView.headerOffset(slot), to: LeafView.headerOffset(0),
            count: moved * LeafView.itemHeaderByteCount)
        target.buffer.copy(
            from: buffer, at: start, to: buffer.count - (end - start), count: end - start)
        target.setCount(moved)
        target.shiftDataOffsets(from: 0, by: buffer.count - end)
        setCount(slot)
    }

    /// How many bytes of data the items from `slot` on have.
    ///
    /// - Complexity: O(`slot`).
    func dataByteCount(from slot: Int) -> Int {
        (0..<slot).reduce(buffer.count - dataStart) { $0 - dataSize(at: $1) }
    }

    /// How many of the items before `limit` take at most `byteCount` bytes with their headers, and how many they take.
    func firstItems(upTo limit: Int, fitting byteCount: Int) -> (count: Int, size: Int) {
        var (count, size) = (0, 0)
        while count < limit {
            let more = dataSize(at: count) + LeafView.itemHeaderByteCount
            if size + more > byteCount { break }
            size += more
            count += 1
        }
        return (count, size)
    }

    /// Moves the first `moved` items behind those of `target`, a leaf whose keys all lie below them.
    ///
    /// - Complexity: two block copies, and O(items of both leaves).
    func moveFirstItems(_ moved: Int, toEndOf target: TreeBlock) {
        guard moved > 0 else { return }
        precondition(moved < count && isNew && target.isNew && level == 0 && target.level == 0)
        putDataInOrder()
        let start = dataStart
        let first = dataOffset(at: moved - 1)
        let size = buffer.count - first
        precondition(size + moved * LeafView.itemHeaderByteCount <= target.freeByteCount)
        let (targetCount, targetStart) = (target.count, target.dataStart)
        target.buffer.copy(
            from: buffer, at: LeafView.headerOffset(0), to: LeafView.headerOffset(targetCount),
            count: moved * LeafView.itemHeaderByteCount)
        target.buffer.copy(from: buffer, at: first, to: targetStart - size, count: size)
        target.setCount(targetCount + moved)
        if target.looseDataStart != nil { target.looseDataStart = targetStart - size }
        target.shiftDataOffsets(from: targetCount, by: targetStart - buffer.count)
        buffer.move(from: start, to: start + size, count: first - start)
        buffer.move(
            from: LeafView.headerOffset(moved), to: LeafView.headerOffset(0),
            count: (count - moved) * LeafView.itemHeaderByteCount)
        setCount(count - moved)
        shiftDataOffsets(from: 0, by: size)
    }

    /// The bytes that items and their headers take.
    var usedByteCount: Int { buffer.count - BlockHeader.byteCount - freeByteCount }

    // MARK: Nodes

    func insertPointer(at slot: Int, to child: TreeBlock, key: Key, generation: Generation) {
        precondition(isNew && level > 0 && slot >= 0 && slot <= count)
        precondition(count < NodeView.capacity(nodeSize: buffer.count))
        let at = NodeView.pointerOffset(slot)
        buffer.move(
            from: at, to: at + NodeView.pointerByteCount, count: (count - slot) * NodeView.pointerByteCount)
        setCount(count + 1)
        children.insert(child, at: slot)
        buffer.store(key, at: at)
        setPointer(at: slot, to: child, generation: generation)
    }

    func setPointer(at slot: Int, to child: TreeBlock, generation: Generation) {
        precondition(isNew && level == child.level + 1 && slot >= 0 && slot < count)
        let at = NodeView.pointerOffset(slot)
        buffer.store(child.address.rawValue, at: at + NodeView.addressOffset)
        buffer.store(generation, at: at + NodeView.generationOffset)
        children[slot] = child
    }

    func setKey(at slot: Int, _ key: Key) {
        precondition(isNew && level > 0 && slot >= 0 && slot < count)
        buffer.store(key, at: NodeView.pointerOffset(slot))
    }

    func removePointer(at slot: Int) {
        precondition(isNew && level > 0 && slot >= 0 && slot < count)
        let at = NodeView.pointerOffset(slot)
        buffer.move(
            from: at + NodeView.pointerByteCount, to: at,
            count: (count - slot - 1) * NodeView.pointerByteCount)
        children.remove(at: slot)
        setCount(count - 1)
    }

    /// Moves the pointers from `slot` on to the end of `target`, a node whose keys all lie below them.
    func movePointers(from slot: Int, toEndOf target: TreeBlock) {
        let moved = count - slot
        precondition(isNew && target.isNew && level > 0 && target.level == level && moved >= 0)
        precondition(target.count + moved <= NodeView.capacity(nodeSize: buffer.count))
        target.buffer.copy(
            from: buffer, at: NodeView.pointerOffset(slot), to: NodeView.pointerOffset(target.count),
            count: moved * NodeView.pointerByteCount)
        children.move(from: slot, toEndOf: target.children)
        target.setCount(target.count + moved)
        setCount(slot)
    }

    // MARK: Whole blocks

    /// A copy of this block at another address, for the running transaction.
    ///
    /// - Parameter takesChildren: whether the children go over to the copy, as nobody uses this block any more.
    func copied(
        to address: LogicalAddress, header: BlockHeader, pool: BlockPool, takesChildren: Bool = false
    ) -> TreeBlock {
        putDataInOrder()
        let target = BlockBuffer(from: pool)
        target.copy(bytes, to: 0)
        let copy = TreeBlock(new: address, level: level, buffer: target, header: header)
        copy.setCount(count)
        if level > 0 {
            if takesChildren { copy.children.take(from: children) } else { copy.children.copy(from: children) }
        }
        return copy
    }

    /// Clears what lies between headers and data, so that no stale memory reaches the disk.
    func clearUnused() {
        let start = level == 0 ? LeafView.headerOffset(count) : NodeView.pointerOffset(count)
        let end = level == 0 ? dataStart : buffer.count
        buffer.clear(start, count: end - start)
    }
}

extension TreeBlock {
    /// Makes the block ready to be written: puts its data in order, clears what is unused and puts the checksum in
    /// front.
    func seal(_ checksum: ChecksumType) {
        putDataInOrder()
        clearUnused()
        let body = bytes.extracting(BlockHeader.checksumByteCount..<buffer.count)
        let sum = checksum.compute(body)
        buffer.clear(0, count: BlockHeader.checksumByteCount)
        buffer.copy(sum.rawSpan, to: 0)
    }
}
