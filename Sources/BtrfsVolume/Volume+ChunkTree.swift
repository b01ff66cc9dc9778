internal import BtrfsFormat

extension Volume {
    /// The tree that holds devices and chunks. The superblock leads to it, so it has no root item.
    public func chunkTree() throws(VolumeError) -> Tree {
        let root = try readBlock(
            BlockExpectation(
                address: superblock.chunkRoot, level: Int(superblock.chunkRootLevel),
                generation: superblock.chunkRootGeneration, firstKey: nil, owners: .tree(.chunkTree),
                tree: .chunkTree))
        return Tree(id: .chunkTree, volume: self, root: root, owners: .tree(.chunkTree))
    }
}
