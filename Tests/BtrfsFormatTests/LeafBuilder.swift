import BtrfsFormat

/// A leaf made of items, packed as the format wants it.
struct LeafBuilder {
    var nodeSize = 4096
    var owner = ObjectID.fileTree
    var items: [(key: Key, data: [UInt8])] = []

    var context: CheckContext {
        CheckContext(
            sectorSize: 4096, nodeSize: nodeSize, generation: 12, checksumSize: 4, isLog: owner == .treeLog,
            owner: owner, access: .writing)
    }

    var block: [UInt8] {
        [UInt8](byteCount: nodeSize) { (block: inout MutableRawSpan) in
            let header = BlockHeader(
                fsid: UUID(low: 1, high: 2), address: LogicalAddress(65536),
                chunkTreeUUID: UUID(low: 3, high: 4),
                generation: 12, owner: owner, itemCount: items.count, level: 0)
            header.store(in: &block)
            var end = nodeSize
            for (slot, item) in items.enumerated() {
                end -= item.data.count
                let offset = LeafView.headerOffset(slot)
                item.key.store(in: &block, at: offset)
                block.store(UInt32(end - BlockHeader.byteCount), at: offset + LeafView.dataOffsetOffset)
                block.store(UInt32(item.data.count), at: offset + LeafView.dataSizeOffset)
                block.store(item.data.rawSpan, at: end)
            }
        }
    }
}
