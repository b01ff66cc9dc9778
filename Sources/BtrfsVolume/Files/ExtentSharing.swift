package import BtrfsFormat

/// Tells whether an extent of a file has other users: another file, another place of the same file, or
/// another subvolume that shares the tree blocks which lead to the extent.
///
/// The corresponding kernel function is `btrfs_is_data_extent_shared`.
package final class ExtentSharing {
    private let files: Tree
    private let cursor: TreeCursor
    /// What is known of blocks of the files' tree: whether the block or one above it is shared.
    private var sharedBlocks: [LogicalAddress: Bool] = [:]
    /// What is known of the extents of `inode`.
    private var sharedExtents: [LogicalAddress: Bool] = [:]
    private var inode = ObjectID(0)
    /// Memory for what is known is bounded by this many entries of each kind.
    private static let cacheLimit = 1 << 14

    package init(of files: Tree, extentTree: Tree) {
        self.files = files
        cursor = extentTree.makeCursor()
    }

    /// Whether the extent that the item at `key` of the files' tree stands for is shared.
    package func isShared(_ extent: FileExtent, at key: Key) throws(VolumeError) -> Bool {
        if inode != key.objectID || sharedExtents.count > Self.cacheLimit {
            inode = key.objectID
            sharedExtents.removeAll(keepingCapacity: true)
        }
        if let known = sharedExtents[extent.diskAddress] { return known }
        let shared = try findOut(extent, at: key)
        sharedExtents[extent.diskAddress] = shared
        return shared
    }

    private func findOut(_ extent: FileExtent, at key: Key) throws(VolumeError) -> Bool {
        if try isWayShared(to: key) { return true }
        guard let users = try references(to: extent.diskAddress) else { return false }
        guard let user = users.first, users.count == 1 else { return users.count > 1 }
        guard case .data(let reference) = user else { return false }
        if reference.root != files.id || reference.objectID != key.objectID { return true }
        // The pieces of one extent may be in several leaves, of which another may be shared.
        return reference.count > 1 ? try isAnyPieceShared(extent, reference) : false
    }

    /// Whether one of the pieces that `reference` counts is reached through a shared block.
    private func isAnyPieceShared(
        _ extent: FileExtent, _ reference: ExtentDataRef
    ) throws(VolumeError) -> Bool {
        let pieces = files.makeCursor()
        let start = Int64(bitPattern: reference.offset) < 0 ? 0 : reference.offset
        let (sum, overflow) = start.addingReportingOverflow(extent.ramBytes)
        let end = overflow ? UInt64.max : sum
        try pieces.seek(Key(reference.objectID, .extentData, start))
        var leaf: LogicalAddress?
        while pieces.isValid, pieces.key < Key(reference.objectID, .extentData, end) {
            if pieces.block != leaf {
                leaf = pieces.block
                if try isWayShared(to: pieces.key) { return true }
            }
            if try !pieces.next() { break }
        }
        return false
    }

    // MARK: Tree blocks

    /// Whether one of the blocks from the root to the leaf that holds `key` is shared.
    private func isWayShared(to key: Key) throws(VolumeError) -> Bool {
        if sharedBlocks.count > Self.cacheLimit { sharedBlocks.removeAll(keepingCapacity: true) }
        var block = files.root
        var shared = try isShared(block, above: false)
        while block.level > 0, !shared {
            block = try files.child(at: block.childSlot(key), of: block)
            shared = try isShared(block, above: shared)
        }
        return shared
    }

    private func isShared(_ block: TreeBlock, above: Bool) throws(VolumeError) -> Bool {
        if block.isNew { return above }
        if let known = sharedBlocks[block.address] { return known }
        var shared = above
        if !shared, let users = try references(to: block.address) {
            if users.count > 1 {
                shared = true
            } else if case .treeBlock(let root)? = users.first {
                shared = root != files.id
            }
        }
        sharedBlocks[block.address] = shared
        return shared
    }

    // MARK: The extent tree

    /// The first two references to the extent or block at `address`; nil where the extent tree does not know
    /// it.
    private func references(to address: LogicalAddress) throws(VolumeError) -> [InlineRef]? {
        let cursor = cursor
        try cursor.seek(Key(ObjectID(address.rawValue), .extentItem, 0))
        var users: [InlineRef]?
        while cursor.isValid, cursor.key.objectID.rawValue == address.rawValue, (users?.count ?? 0) < 2 {
            let key = cursor.key
            let item = cursor.data
            let found = try parsing(key) { () throws(FormatError) in try Self.references(in: item, at: key) }
            users = (users ?? []) + found
            if try !cursor.next() { break }
        }
        return users
    }

    /// The references that an item of the extent tree holds, two at most.
    private static func references(in item: RawSpan, at key: Key) throws(FormatError) -> [InlineRef] {
        switch key.type {
        case .extentItem, .metadataItem:
            var users: [InlineRef] = []
            var references = try InlineRefs(item, in: key.type)
            while users.count < 2, let reference = try references.next() {
                if case .owner = reference { continue }
                users.append(reference)
            }
            return users
        case .treeBlockRef: return [.treeBlock(root: ObjectID(key.offset))]
        case .extentDataRef: return [.data(try ExtentDataRef(item))]
        case .sharedBlockRef: return [.sharedBlock(parent: LogicalAddress(key.offset))]
        case .sharedDataRef:
            return [.sharedData(parent: LogicalAddress(key.offset), count: try SharedDataRef(item).count)]
        default: return []
        }
    }
}
