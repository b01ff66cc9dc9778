internal import BtrfsFormat

/// What `Registry.mainline` is made of. All of it uses the protocols that plugins use.
enum BuiltIn {
    static var processFunctions: [String: any ProcessFunction] {
        [
            "pin": PinBlocks(), "write": WriteBlocks(), "wait": AwaitBlocks(), "free": FreeBlocks(),
            "replay": ReplayBlocks(), "verify": VerifyBlocks(),
        ]
    }

    static var itemTypes: [ItemType] {
        [
            type(.inodeItem, "Size, owner, mode, times and flags of an inode.", InodeItemHandler()),
            type(.inodeRef, "The names of an inode in one directory.", InodeRefHandler()),
            type(.inodeExtref, "Names of an inode that do not fit its INODE_REF items.", InodeRefHandler()),
            type(.xattrItem, "An extended attribute.", XattrHandler()),
            type(.dirIndex, "A name in a directory, in order of creation.", DirIndexHandler()),
            type(.extentData, "A piece of a file's content.", FileExtentHandler()),
            // Read by the handlers of other items, or left by old kernels; not replayed by themselves.
            type(.dirLogIndex, "A range of a directory for which the log holds every name."),
            type(.extentChecksum, "Checksums of file data."),
            type(.dirItem, "A name in a directory, by hash; only kernels before 5.17 log it."),
            type(.dirLogItem, "A range of hashes; only kernels before 5.17 log it."),
            type(.verityDescriptor, "fs-verity: descriptor. Linux does not replay it."),
            type(.verityMerkle, "fs-verity: hash tree. Linux does not replay it."),
            type(.orphanItem, "An inode without a name that is to be deleted."),
            type(.rootItem, "The root of a tree; in the tree of logs that of a log tree."),
        ]
    }

    private static func type(
        _ keyType: KeyType, _ summary: String, _ handler: (any ReplayHandler)? = nil
    ) -> ItemType {
        ItemType(
            name: keyType.description, keyType: keyType, summary: summary, requirement: .mandatory,
            handler: handler)
    }
}
