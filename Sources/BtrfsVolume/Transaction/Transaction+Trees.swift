public import BtrfsFormat

// Whole trees: new ones, snapshots, and their end.

extension Transaction {
    /// Makes an empty tree with the number `id`.
    ///
    /// - Parameter item: its root item; address, level, generation and size are filled in.
    /// - Throws: `VolumeError.keyExists` when there is such a tree, `.noSpace`.
    public func createTree(_ id: ObjectID, _ item: RootItem) throws(VolumeError) -> Tree {
        try addTree(id, item, root: try makeRoot(of: id), key: Key(id, .rootItem, 0), lastSnapshot: 0)
    }

    /// Makes a tree with the number `id` that has the content of `source`: only the root block is copied, everything
    /// below it belongs to both.
    ///
    /// The source must not have changed in this transaction: commit before. Afterwards both may. The corresponding
    /// kernel functions are `create_pending_snapshot` and `btrfs_copy_root`.
    ///
    /// - Parameter item: the root item of the new tree; address, level, generation, size and the time of the last
    ///   snapshot are filled in.
    /// - Throws: `VolumeError.noSuchKey` when there is no such source, `.keyExists`, `.noSpace`.
    public func snapshotTree(
        _ source: ObjectID, as id: ObjectID, _ item: RootItem
    ) throws(VolumeError) -> Tree {
        guard let tree = try tree(source), let sourceKey = rootKey(of: source) else {
            throw .noSuchKey(tree: .rootTree, Key(source, .rootItem, 0))
        }
        guard !tree.root.isNew else {
            throw .refused("a snapshot of tree \(source), which has changes that are not committed")
        }
        try tree.copyRoot()
        tree.lastSnapshot = generation
        let rootTree = try rootTree()
        guard let data = try rootTree.find(sourceKey) else { throw .noSuchKey(tree: .rootTree, sourceKey) }
        var sourceItem = try parsing(sourceKey) { () throws(FormatError) in try RootItem(data) }
        sourceItem.lastSnapshot = generation
        let sourceBytes = sourceItem.encoded
        try rootTree.put(sourceKey, sourceBytes.rawSpan)
        var item = item
        item.lastSnapshot = generation
        // The size on disk is that of all blocks, shared ones too; the new root is counted by `addTree`.
        let others = Int64(clamping: sourceItem.bytesUsed) &+ tree.usedDelta &- Int64(volume.nodeSize)
        item.bytesUsed = UInt64(max(others, 0))
        let root = try makeRoot(of: id, copying: tree.root)
        return try addTree(
            id, item, root: root, key: Key(id, .rootItem, generation), lastSnapshot: generation)
    }

    private func addTree(
        _ id: ObjectID, _ item: RootItem, root: TreeBlock, key: Key, lastSnapshot: Generation
    ) throws(VolumeError) -> Tree {
        var item = item
        item.move(to: root.address, level: UInt8(root.level), generation: generation)
        let bytes = item.encoded
        try rootTree().insert(key, bytes.rawSpan)
        let tree = Tree(
            id: id, volume: volume, source: self, root: root, owners: BlockOwners(tree: id),
            lastSnapshot: lastSnapshot)
        tree.usedDelta = Int64(volume.nodeSize)
        adopt(tree, rootKey: key)
        return tree
    }

    /// Gives up a subvolume tree with all that only it uses, and its root item. Blocks that a snapshot uses too stay,
    /// with their references put right.
    ///
    /// The corresponding kernel function is `btrfs_drop_snapshot`, which does it in several transactions; here it is
    /// one.
    ///
    /// - Returns: false when there is no such tree.
    /// - Complexity: reads all blocks that only this tree uses.
    public func dropTree(_ id: ObjectID) throws(VolumeError) -> Bool {
        guard let tree = try tree(id), let key = rootKey(of: id) else { return false }
        var work = [DropStep(block: tree.root, reference: .treeBlock(root: id))]
        while let step = work.popLast() { try drop(step, of: tree, &work) }
        try rootTree().remove(key)
        forget(id)
        return true
    }

    /// A block that loses the reference of the tree that goes; without one, only the references of what is below it
    /// are put right.
    private struct DropStep {
        let block: TreeBlock
        let reference: InlineRef?
    }

    private func drop(_ step: DropStep, of tree: Tree, _ work: inout [DropStep]) throws(VolumeError) {
        let block = step.block
        if block.isNew {
            try queueChildren(of: block, by: .tree(tree.id), delta: -1, nodes: false)
            for slot in 0..<(block.level > 0 ? block.count : 0) {
                work.append(
                    DropStep(block: try tree.child(at: slot, of: block), reference: .treeBlock(root: tree.id)))
            }
            return free(block, of: tree)
        }
        let (refs, flags) = try extents.state(of: block.address, level: block.level)
        let isFull = flags.contains(.fullBackref)
        let owner: ObjectID
        do { owner = try BlockHeader(block.bytes).owner } catch { throw .format(error.at(block: block.address)) }
        if step.reference != nil, refs == 1 {
            let reference: ChildReference = isFull ? .block(block.address) : .tree(tree.id)
            try queueChildren(of: block, by: reference, delta: -1, nodes: false)
            let childReference: InlineRef =
                isFull ? .sharedBlock(parent: block.address) : .treeBlock(root: tree.id)
            for slot in 0..<(block.level > 0 ? block.count : 0) {
                work.append(DropStep(block: try tree.child(at: slot, of: block), reference: childReference))
            }
        } else if owner == tree.id, !isFull {
            // Others go on using it: what is below is no longer counted by the number of this tree.
            try queueChildren(of: block, by: .block(block.address), delta: 1)
            try queueChildren(of: block, by: .tree(tree.id), delta: -1)
            extents.queueFlags(.fullBackref, for: block.address, level: block.level)
            for slot in 0..<(block.level > 0 ? block.count : 0) {
                work.append(DropStep(block: try tree.child(at: slot, of: block), reference: nil))
            }
        }
        if let reference = step.reference {
            extents.queueBlock(block.address, level: block.level, reference, delta: -1)
        }
    }
}
