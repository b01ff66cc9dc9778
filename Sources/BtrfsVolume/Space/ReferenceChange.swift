public import BtrfsFormat

/// Which data extent a file extent item refers to itself as: the file's tree and inode, and where the extent
/// would begin in the file (file offset minus extent offset, wrapping).
public struct DataReference: Hashable, Sendable {
    /// The subvolume.
    public var root: ObjectID
    /// The inode in it.
    public var inode: ObjectID
    /// Where the extent would begin in the file, in bytes.
    public var offset: UInt64

    /// A reference by a file.
    public init(root: ObjectID, inode: ObjectID, offset: UInt64) {
        self.root = root
        self.inode = inode
        self.offset = offset
    }
}

extension DataReference {
    /// The same as the extent tree records it.
    var inlineRef: InlineRef {
        .data(ExtentDataRef(root: root, objectID: inode, offset: offset, count: 1))
    }
}

/// One change of one reference, queued until the commit.
struct ReferenceChange {
    var address: UInt64
    /// The size of the extent in bytes.
    var size: UInt64
    /// The level of a tree block; -1 of data.
    var level: Int8
    /// +1 or -1; 0 when only `flags` change.
    var delta: Int32
    /// Flags to add to the extent item.
    var flags: ExtentItem.Flags = []
    var reference: InlineRef
}
