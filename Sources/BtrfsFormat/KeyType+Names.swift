extension KeyType: CustomStringConvertible {
    /// The name in the kernel's constant and in what its tools print; `UNKNOWN.98` for a type without one.
    public var description: String { Self.names[self] ?? "UNKNOWN.\(rawValue)" }

    /// The type with this name.
    public init?(name: String) {
        guard let type = Self.types[name] else { return nil }
        self = type
    }

    private static let types = Dictionary(names.map { ($0.value, $0.key) }) { first, _ in first }

    /// The names of all types that have one.
    public static let names: [KeyType: String] = [
        .inodeItem: "INODE_ITEM",
        .inodeRef: "INODE_REF",
        .inodeExtref: "INODE_EXTREF",
        .xattrItem: "XATTR_ITEM",
        .verityDescriptor: "VERITY_DESC_ITEM",
        .verityMerkle: "VERITY_MERKLE_ITEM",
        .orphanItem: "ORPHAN_ITEM",
        .dirLogItem: "DIR_LOG_ITEM",
        .dirLogIndex: "DIR_LOG_INDEX",
        .dirItem: "DIR_ITEM",
        .dirIndex: "DIR_INDEX",
        .extentData: "EXTENT_DATA",
        .extentChecksum: "EXTENT_CSUM",
        .rootItem: "ROOT_ITEM",
        .rootBackref: "ROOT_BACKREF",
        .rootRef: "ROOT_REF",
        .extentItem: "EXTENT_ITEM",
        .metadataItem: "METADATA_ITEM",
        .extentOwnerRef: "EXTENT_OWNER_REF",
        .treeBlockRef: "TREE_BLOCK_REF",
        .extentDataRef: "EXTENT_DATA_REF",
        .sharedBlockRef: "SHARED_BLOCK_REF",
        .sharedDataRef: "SHARED_DATA_REF",
        .blockGroupItem: "BLOCK_GROUP_ITEM",
        .freeSpaceInfo: "FREE_SPACE_INFO",
        .freeSpaceExtent: "FREE_SPACE_EXTENT",
        .freeSpaceBitmap: "FREE_SPACE_BITMAP",
        .deviceExtent: "DEV_EXTENT",
        .deviceItem: "DEV_ITEM",
        .chunkItem: "CHUNK_ITEM",
        .raidStripe: "RAID_STRIPE",
        .qgroupStatus: "QGROUP_STATUS",
        .qgroupInfo: "QGROUP_INFO",
        .qgroupLimit: "QGROUP_LIMIT",
        .qgroupRelation: "QGROUP_RELATION",
        .temporaryItem: "TEMPORARY_ITEM",
        .persistentItem: "PERSISTENT_ITEM",
        .deviceReplace: "DEV_REPLACE",
        .uuidSubvolume: "UUID_KEY_SUBVOL",
        .uuidReceivedSubvolume: "UUID_KEY_RECEIVED_SUBVOL",
    ]
}
