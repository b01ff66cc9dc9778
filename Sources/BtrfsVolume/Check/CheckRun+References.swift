internal import BtrfsFormat

/// A block that was read before all extents were known.
struct EarlyBlock {
    var tree: CheckedTree
    var address: LogicalAddress
    var level: Int
    var generation: Generation
    var owner: ObjectID
    /// The block itself, where it may refer to others.
    var content: CheckedBlock?

    init(tree: CheckedTree, block: CheckedBlock, keepsContent: Bool) {
        self.tree = tree
        address = block.address
        level = block.level
        generation = block.block.generation
        owner = block.owner
        content = keepsContent ? block : nil
    }
}

/// What trees refer to, compared with what the extent tree lists.
extension CheckRun {
    /// Notes that a superblock or root item refers to the root block of a tree.
    func noteRoot(of tree: CheckedTree) {
        let root = tree.root
        var fact = ReferenceFact(
            address: root.address.rawValue, size: UInt64(root.level), type: .treeBlockRef, referrer: tree.id.rawValue)
        if tree.id == .treeRelocation {
            // While chunks are moved, roots refer to themselves.
            fact.type = .sharedBlockRef
            fact.referrer = root.address.rawValue
        }
        references.count(fact, -1, at: CheckPlace(tree: tree.id, block: root.address))
    }

    /// Notes a block of a tree and what it refers to, the first time that it comes.
    ///
    /// - Returns: whether it is the first time. Only subvolumes share blocks.
    @discardableResult
    func note(_ block: CheckedBlock, of tree: CheckedTree) -> Bool {
        note(EarlyBlock(tree: tree, block: block, keepsContent: true))
    }

    @discardableResult
    func note(_ early: EarlyBlock) -> Bool {
        let tree = early.tree
        let (isFirst, record) = blocks.visit(early.address.rawValue)
        guard isFirst else {
            if !tree.id.mayShareBlocks {
                let place = CheckPlace(tree: tree.id, block: early.address)
                sink.error(.block, place, "the block is in use twice")
            }
            return false
        }
        if let record {
            if record.generation != early.generation {
                let place = CheckPlace(tree: tree.id, block: early.address)
                sink.error(
                    .extent, place,
                    "the block is of generation \(early.generation), its extent of \(record.generation)")
            }
            check(early, record)
            quotas.countBlock(UInt64(volume.nodeSize), for: early.owner, generation: early.generation)
        }
        guard let content = early.content else { return true }
        let parent = record?.isFullBackref == true ? early.address : nil
        if content.level > 0 {
            noteChildren(of: content, of: tree, parent)
        } else if tree.id.mayShareBlocks || tree.id == .rootTree {
            noteData(of: content, of: tree, parent)
        }
        return true
    }

    /// What is below a block refers to the tree in its header, or to the block itself; which of them, its extent says.
    private func check(_ block: EarlyBlock, _ record: BlockTable.Record) {
        let place = CheckPlace(tree: block.tree.id, block: block.address)
        if !block.tree.id.mayShareBlocks {
            if record.isFullBackref {
                sink.error(.extent, place, "what is below refers to the block, as in shared blocks, not to its tree")
            }
        } else if !record.isFullBackref, !incomplete.contains(.extentTree),
            !blocks.hasReference(by: block.owner, to: record)
        {
            sink.error(.extent, place, "what is below refers to tree \(block.owner), which does not refer to the block")
        }
    }

    private func noteChildren(of node: CheckedBlock, of tree: CheckedTree, _ parent: LogicalAddress?) {
        for slot in 0..<node.count where !tree.isDropped(slot, of: node.block) {
            let fact = ReferenceFact(
                address: node.block.childAddress(at: slot).rawValue, size: UInt64(node.level - 1),
                type: parent == nil ? .treeBlockRef : .sharedBlockRef,
                referrer: parent?.rawValue ?? node.owner.rawValue)
            references.count(fact, -1, at: node.place(slot, tree.id))
        }
    }

    private func noteData(of leaf: CheckedBlock, of tree: CheckedTree, _ parent: LogicalAddress?) {
        for slot in 0..<leaf.count where leaf.block.key(at: slot).type == .extentData {
            guard !leaf.isDamaged(slot), let extent = try? FileExtent(leaf.block.data(at: slot)),
                !extent.isInline, !extent.isHole
            else { continue }
            let key = leaf.block.key(at: slot)
            var fact = ReferenceFact(
                address: extent.diskAddress.rawValue, size: extent.diskByteCount,
                type: parent == nil ? .extentDataRef : .sharedDataRef,
                referrer: parent?.rawValue ?? leaf.owner.rawValue)
            if parent == nil {
                fact.objectID = key.objectID.rawValue
                fact.offset = key.offset &- extent.offset
            }
            references.count(fact, -1, at: leaf.place(slot, tree.id))
        }
    }

    /// Tells which references the trees and the extent tree have not in common.
    func checkReferences() {
        if references.isBalanced { return }
        collectReferences()
        // Of what could not be read it is not known what it refers to.
        let knowsAllExtents = !incomplete.contains(.extentTree)
        let knowsAllTrees = incomplete.isEmpty
        for one in references.disagreements {
            let fact = one.fact
            if one.surplus > 0, knowsAllTrees {
                sink.error(
                    .reference, one.place,
                    "\(fact.extentText) lists \(Self.times(one.surplus)) more a reference by \(fact.referrerText) "
                        + "than there is")
            } else if one.surplus < 0, knowsAllExtents {
                sink.error(
                    .reference, one.place,
                    "\(fact.extentText): the extent tree lacks \(Self.times(-one.surplus)) a reference by "
                        + "\(fact.referrerText)")
            }
        }
    }

    private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }

    /// Reads all trees once more, for what did not agree.
    private func collectReferences() {
        let wasMuted = sink.isMuted
        sink.isMuted = true
        defer { sink.isMuted = wasMuted }
        references.collectDisagreements()
        let known = quotas
        blocks.reset()
        rereadExtentTree()
        var trees = [rootTree] + treesToWalk()
        for id in [ObjectID.extentTree, .checksumTree] {
            if let root = rootsByID[id] { trees.append(CheckedTree(id, root.item)) }
        }
        for tree in trees {
            noteRoot(of: tree)
            walk(tree) { note($0, of: tree) }
        }
        quotas = known
    }
}

extension ObjectID {
    /// Whether the tree is one of those that share blocks with others.
    var mayShareBlocks: Bool { hasFiles || self == .treeRelocation }

    /// Whether the tree holds files, and a root directory.
    var hasFiles: Bool { isSubvolume || self == .dataRelocationTree }
}
