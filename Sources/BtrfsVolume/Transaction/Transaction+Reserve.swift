public import BtrfsFormat

// Room for tree blocks, looked for before a change begins: one that runs out of it in the middle could not go on.

extension Transaction {
    /// Makes sure that a change can be committed that copies or adds at most `blocks` tree blocks, and changes at most
    /// `references` references of extents besides. A new metadata chunk is made when the present ones are too full.
    ///
    /// The corresponding kernel functions are `btrfs_block_rsv_add` and `btrfs_update_global_block_rsv`.
    ///
    /// - Parameter usesReserve: whether the change frees more than it takes. All others leave as much room as such a
    ///   change needs, so that there is a way out of a full volume.
    /// - Throws: `VolumeError.noSpace`; nothing has changed.
    public func reserveMetadata(
        blocks: Int, references: Int = 0, usesReserve: Bool = false
    ) throws(VolumeError) {
        let sizes = try committedSizes()
        let needed = mostBlocks(blocks, additions: extents.count + 2 * blocks, changes: references, sizes)
        try allocator.checkRoom(blocks: needed + (usesReserve ? 0 : reserve(sizes)))
    }

    /// The room that a change needs which makes room, after the commit of what there is now: the trees have got larger
    /// by then, and all of what is new may have to be copied.
    private func reserve(_ committed: TreeSizes) -> Int {
        let new = newBlockCount + extents.count * 256 / volume.nodeSize
        let sizes = (
            extents: committed.extents + new, checksums: committed.checksums + new, all: committed.all + new
        )
        return mostBlocks(Self.reservedBlocks, additions: 2 * Self.reservedBlocks, sizes)
    }

    /// How large a change that makes room is at most.
    private static var reservedBlocks: Int { 48 }

    /// How many blocks a change of `blocks` blocks takes at most, with what the commit copies and adds in the trees of
    /// extents, free space, checksums and roots: for each queued change of a reference a leaf of each, and of all trees
    /// together no more copies than there are blocks.
    ///
    /// - Parameters:
    ///   - additions: how many references come or go.
    ///   - changes: how many only go, or become others.
    ///   - sizes: how many blocks there are that can be copied.
    private func mostBlocks(_ blocks: Int, additions: Int, changes: Int = 0, _ sizes: TreeSizes) -> Int {
        let references = additions + changes
        let copies = blocks + 3 * min(references, sizes.extents) + min(references, sizes.checksums) + 64
        return min(copies, sizes.all) + blocks + additions * 256 / volume.nodeSize + 8
    }

    /// How many blocks there are in the trees of extents and of checksums, and in all.
    typealias TreeSizes = (extents: Int, checksums: Int, all: Int)

    /// The sizes at the last commit.
    private func committedSizes() throws(VolumeError) -> TreeSizes {
        if let knownSizes { return knownSizes }
        func blockCount(_ bytes: UInt64?) -> Int { Int(clamping: (bytes ?? 0) / UInt64(volume.nodeSize)) }
        var used: UInt64 = 0
        for mapped in volume.chunks.chunks where mapped.chunk.type.contains(.metadata) {
            guard let start = try blockGroupStart(of: mapped.start.rawValue..<mapped.end) else { continue }
            used += blockGroups[start]?.used ?? 0
        }
        let sizes = (
            extents: blockCount(try volume.rootItem(of: .extentTree)?.item.bytesUsed),
            checksums: blockCount(try volume.rootItem(of: .checksumTree)?.item.bytesUsed), all: blockCount(used)
        )
        knownSizes = sizes
        return sizes
    }

    /// How many references of extents the deletion of a tree changes at most: those of its blocks, and one for each
    /// item that can be in a leaf.
    public func mostReferences(of id: ObjectID) throws(VolumeError) -> Int {
        let blocks = Int(clamping: (try rootItem(of: id)?.bytesUsed ?? 0) / UInt64(volume.nodeSize))
        // What the root item says may be anything.
        return min(blocks, 1 << 32) * (1 + volume.nodeSize / (LeafView.itemHeaderByteCount + FileExtent.byteCount))
    }
}
