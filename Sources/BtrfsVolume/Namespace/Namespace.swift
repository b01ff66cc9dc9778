internal import BtrfsFormat

/// One subvolume tree seen as files: inodes, names, back references, extended attributes and extents.
///
/// A namespace over a tree reads; one made in a transaction also writes. It keeps scratch memory, so make one
/// for a tree and keep it. Every change leaves the items as the kernel would: names with the same hash share
/// an item, the item goes with its last name, references go to INODE_EXTREF when INODE_REF is full.
public final class Namespace {
    /// The longest name of a file or extended attribute.
    public static let maximumNameByteCount = 255
    /// The longest path that Linux takes. Files may lie deeper; nobody wants to hold the paths of all of them.
    public static let maximumPathByteCount = 4096

    /// The tree of the subvolume.
    public let tree: Tree
    /// The transaction that owns the tree; nil where the namespace only reads.
    public let transaction: Transaction?
    /// Where items are put together before they go into the tree.
    let buffer: ItemBuffer
    private(set) lazy var extentCursor = tree.makeCursor()
    /// The most bytes that an item can have.
    let maximumItemByteCount: Int
    let allowsExtendedReferences: Bool
    let sectorSize: UInt64

    /// A namespace that only reads.
    public convenience init(_ tree: Tree) { self.init(tree, nil, bufferByteCount: 1) }

    /// A namespace that reads and writes.
    ///
    /// - Parameter tree: a tree of `transaction`.
    public convenience init(_ tree: Tree, in transaction: Transaction) {
        self.init(tree, transaction, bufferByteCount: 2 << 16)
    }

    private init(_ tree: Tree, _ transaction: Transaction?, bufferByteCount: Int) {
        let volume = tree.volume
        self.tree = tree
        self.transaction = transaction
        buffer = ItemBuffer(capacity: bufferByteCount)
        maximumItemByteCount = LeafView.maximumItemByteCount(nodeSize: volume.nodeSize)
        allowsExtendedReferences = volume.superblock.incompat.contains(.extendedReferences)
        sectorSize = UInt64(volume.sectorSize)
    }

    /// The transaction, for the functions that write.
    var writer: Transaction {
        guard let transaction else { preconditionFailure("this namespace only reads") }
        return transaction
    }

    /// The error for an item that ought to be there.
    func missing(_ key: Key) -> VolumeError { .noSuchKey(tree: tree.id, key) }
}
