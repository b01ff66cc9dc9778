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
        let needed = try mostBlocks(blocks, additions: extents.count + 2 * blocks, changes: references)
        let reserve = usesReserve ? 0 : try mostBlocks(Self.reservedBlocks, additions: 2 * Self.reservedBlocks)
        try allocator.checkRoom(blocks: needed + reserve)
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
    private func mostBlocks(_ blocks: Int, additions: Int, changes: Int = 0) throws(VolumeError) -> Int {
        let sizes = try committedSizes()
        let references = additions + changes
        let copies = blocks + 3 * min(references, sizes.extents) + min(references, sizes.checksums) + 64
        return min(copies, sizes.all) + blocks + additions * 256 / volume.nodeSize + 8
    }

    /// How many blocks there were at the last commit: in the trees of extents and of checksums, and in all.
    private func committedSizes() throws(VolumeError) -> (extents: Int, checksums: Int, all: Int) {
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
