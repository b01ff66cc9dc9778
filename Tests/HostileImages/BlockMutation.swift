internal import BtrfsFormat

/// Changes of one tree block; the checksum is made good afterwards.
struct BlockMutation {
    let values: ValuePool
    let generation: Generation

    func apply(to block: inout [UInt8], _ generator: inout SeededRandom) {
        let isLeaf = block.integer(at: BlockHeader.levelOffset, width: 1) == 0
        switch Int.random(in: 0..<10, using: &generator) {
        case 0:
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                block.flipBit(&generator, from: BlockHeader.checksumByteCount)
            }
        case 1: changeHeader(&block, &generator)
        case 2...3: changeSlot(&block, isLeaf: isLeaf, &generator)
        default:
            if isLeaf { rebuild(&block, &generator) } else { changeSlot(&block, isLeaf: false, &generator) }
        }
    }

    private func changeHeader(_ block: inout [UInt8], _ generator: inout SeededRandom) {
        let fields = [(32, 8), (48, 8), (56, 8), (64, 8), (80, 8), (88, 8), (96, 4), (96, 4), (100, 1)]
        guard let (offset, width) = fields.randomElement(using: &generator) else { return }
        let old = block.integer(at: offset, width: width)
        block.store(values.value(insteadOf: old, &generator), width: width, at: offset)
    }

    /// Changes a part of an item header or of a pointer to a child.
    private func changeSlot(_ block: inout [UInt8], isLeaf: Bool, _ generator: inout SeededRandom) {
        let count = Int(block.integer(at: BlockHeader.itemCountOffset, width: 4))
        let size = isLeaf ? LeafView.itemHeaderByteCount : NodeView.pointerByteCount
        let capacity = (block.count - BlockHeader.byteCount) / size
        guard count > 0, count <= capacity else { return }
        let start = BlockHeader.byteCount + Int.random(in: 0..<count, using: &generator) * size
        let fields = isLeaf ? [(0, 8), (8, 1), (9, 8), (17, 4), (21, 4)] : [(0, 8), (8, 1), (9, 8), (17, 8), (25, 8)]
        guard let (offset, width) = fields.randomElement(using: &generator) else { return }
        let old = block.integer(at: start + offset, width: width)
        block.store(values.value(insteadOf: old, &generator), width: width, at: start + offset)
    }

    /// Takes the leaf apart, changes items, and makes a leaf of them.
    private func rebuild(_ block: inout [UInt8], _ generator: inout SeededRandom) {
        var items = Self.items(of: block)
        let mutation = ItemMutation(
            values: values, generation: generation,
            maximumByteCount: block.count - BlockHeader.byteCount - LeafView.itemHeaderByteCount)
        for _ in 0..<Int.random(in: 1...3, using: &generator) { mutation.apply(to: &items, &generator) }
        Self.fill(&block, with: Self.sorted(items))
    }

    static func items(of block: [UInt8]) -> [LooseItem] {
        var items: [LooseItem] = []
        let leaf = LeafView(block.rawSpan)
        for slot in 0..<((try? leaf.count) ?? 0) {
            guard let key = try? leaf.key(at: slot), let data = try? leaf.data(at: slot) else { break }
            items.append(LooseItem(key: key, data: data.copied))
        }
        return items
    }

    /// In order, of several with one key the last.
    static func sorted(_ items: [LooseItem]) -> [LooseItem] {
        var byKey: [Key: [UInt8]] = [:]
        for item in items { byKey[item.key] = item.data }
        return byKey.sorted { $0.key < $1.key }.map { LooseItem(key: $0.key, data: $0.value) }
    }

    /// Makes the leaf hold these items, as many as have room.
    static func fill(_ block: inout [UInt8], with items: [LooseItem]) {
        for index in BlockHeader.byteCount..<block.count { block[index] = 0 }
        var end = block.count
        var count = 0
        for item in items {
            let header = LeafView.headerOffset(count)
            guard end - item.data.count >= header + LeafView.itemHeaderByteCount else { break }
            end -= item.data.count
            block.store(item.key, at: header)
            block.store(UInt64(end - BlockHeader.byteCount), width: 4, at: header + LeafView.dataOffsetOffset)
            block.store(UInt64(item.data.count), width: 4, at: header + LeafView.dataSizeOffset)
            block.replaceSubrange(end..<end + item.data.count, with: item.data)
            count += 1
        }
        block.store(UInt64(count), width: 4, at: BlockHeader.itemCountOffset)
    }
}
