internal import TreeLog

/// The Lua API, declared once: from here come the checks of definitions and phases, the stubs for editors and the
/// names that luacheck knows.
public enum APITable {
    /// The version that `treelog.plugin { api = … }` names.
    public static let version: Int64 = 1

    /// All tables and views, in the order of the reference.
    public static let classes: [APIClass] = [
        treelog, plugin, itemType, itemTypeObject, policy, process, fieldOptions, item, conflict, context, block, key,
        time, name, inode, bytesItem, test, testConflict, testVolume, testReport,
        workload, volume, fileSystem, crash, stat, syncResult,
    ]

    /// The class with this name.
    static func named(_ name: String) -> APIClass? { classes.first { $0.name == name } }

    // MARK: The words

    /// The words of an item type: when its items are replayed.
    public static let stageWords = ["all", "inodes", "directory_index"]
    /// The words of an item type: when its items are logged.
    public static let loggedWords = ["with_inode", "if_changed", "never"]
    /// The words for the kinds of conflicts.
    public static let conflictWords = [
        "inode_item", "name", "index", "back_reference", "deleted_name", "xattr", "extent", "checksum_range",
        "custom_item", "missing_inode", "missing_parent", "damaged_item",
    ]
    /// The words that a resolver answers.
    public static let resolutionWords = ["take", "keep", "keep_both", "merge", "skip", "skip_inode", "stop"]
    /// The words that a filter answers.
    public static let filterWords = ["continue", "ignore", "ignore_inode", "stop", "replace"]
    /// The words that a handler answers.
    public static let handlerWords = ["done", "skip", "skip_inode", "stop"]
    /// The words for why an fsync was a full commit.
    public static let reasonWords = FullCommitReason.allCases.map(\.rawValue)
    /// The words for the types of integer fields.
    public static let integerWords = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
    /// The words for the types of fields.
    public static let fieldWords = integerWords + ["array", "bytes", "key", "struct", "time"]

    // MARK: Plain tables

    static let key = APIClass(
        name: "treelog.Key", role: .value, doc: "What identifies an item. An item view is one as well.",
        entries: [
            .field("objectid", "integer", "The inode, for items of files."),
            .field("kind", "integer", "The key type, 0 to 255."),
            .field("offset", "integer", "What tells items of one kind and object apart."),
        ])

    static let time = APIClass(
        name: "treelog.Time", role: .value, doc: "A point in time.",
        entries: [
            .field("seconds", "integer", "Since 1970; negative before."),
            .field("nanoseconds", "integer", "0 to 999999999."),
        ])

    static let name = APIClass(
        name: "treelog.Name", role: .value, doc: "A name of an inode.",
        entries: [
            .field("directory", "integer", "The inode of the directory."),
            .field("index", "integer", "The index of the name in the directory."),
            .field("name", "string", "The bytes of the name."),
        ])

    static let bytesItem = APIClass(
        name: "treelog.StoredItem", role: .value, doc: "A copy of an item.",
        entries: [
            .field("objectid", "integer", "Of the key."), .field("kind", "integer", "Of the key."),
            .field("offset", "integer", "Of the key."), .field("bytes", "string", "The content."),
        ])

    static let inode = APIClass(
        name: "treelog.Inode", role: .value, doc: "An inode item.",
        entries: [
            .field("objectid", "integer", "The number of the inode."),
            .field("type", "string", "file, directory, symlink, character, block, fifo, socket or unknown."),
            .field("size", "integer", "In bytes; for a directory twice the lengths of its names."),
            .field("nbytes", "integer", "Bytes that its extents take."),
            .field("nlink", "integer", "How many names it has."), .field("mode", "integer", "Type and permissions."),
            .field("uid", "integer", "The owner."), .field("gid", "integer", "The group."),
            .field("rdev", "integer", "Of a device node."), .field("flags", "integer", "Bits of the inode item."),
            .field("generation", "integer", "The transaction that made it."),
            .field("transid", "integer", "The transaction that changed it last."),
            .field("sequence", "integer", "Counts changes, for NFS."),
            .field("atime", "treelog.Time", "Of the last access."),
            .field("ctime", "treelog.Time", "Of the last change of the inode."),
            .field("mtime", "treelog.Time", "Of the last change of the content."),
            .field("otime", "treelog.Time", "When it was made."),
        ])
}
