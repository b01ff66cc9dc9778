internal import BtrfsFormat

/// What is known of a block before it is read; a block that is anything else is not accepted.
struct BlockExpectation {
    var address: LogicalAddress
    var level: Int
    /// The exact generation: that of the pointer that leads to the block.
    var generation: Generation
    /// The first key: that of the pointer; nil for a root.
    var firstKey: Key?
    /// A key behind all keys of the block: that of the next pointer, here or above. Otherwise nodes could share
    /// children, and a walk over a few blocks could go on without end.
    var limit: Key?
    var owners: BlockOwners
    /// The tree, for messages.
    var tree: ObjectID
    /// Whether a leaf is accepted although items of files in it break a rule.
    var keepsDamagedItems = false
}

/// Who may own the blocks of a tree. The corresponding kernel function is `btrfs_check_eb_owner`.
enum BlockOwners {
    /// Just this tree.
    case tree(ObjectID)
    /// Any subvolume: snapshots share blocks.
    case subvolumes
    /// Anyone; of a log only the root's owner tells something.
    case any

    init(tree: ObjectID) {
        if tree.isSubvolume || tree == .dataRelocationTree {
            self = .subvolumes
        } else if tree == .treeLog {
            self = .any
        } else {
            self = .tree(tree)
        }
    }

    func allow(_ owner: ObjectID) -> Bool {
        switch self {
        case .tree(let tree): owner == tree
        case .subvolumes: owner.isSubvolume || owner == .dataRelocationTree || owner == .treeRelocation
        case .any: true
        }
    }
}
