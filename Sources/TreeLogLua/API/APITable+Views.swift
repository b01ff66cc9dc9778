// What callbacks are given.

extension APITable {
    private static let readers: [APIEntry] = APITable.integerWords.map {
        .method($0, [("offset", "integer")], "integer", "The integer at an offset in the content.")
    }

    static let item = APIClass(
        name: "treelog.Item", role: .view,
        doc: "An item, valid until the callback that it was passed to returns. Fields of its type are read by name.",
        entries: [
            .field("objectid", "integer", "Of the key."), .field("kind", "integer", "The key type."),
            .field("offset", "integer", "Of the key."), .field("inode", "integer", "The inode it is about."),
            .field("size", "integer", "How many bytes the content has."),
            .field("type", "string", "The name of the type: INODE_ITEM."),
            .field("subvolume", "integer", "The number of the subvolume."),
            .field("block", "integer", "The address of the log block."), .field("slot", "integer", "In the block."),
            .field("path", "string?", "The path of the inode, without a slash in front."),
            .method("bytes", [("offset", "integer?"), ("count", "integer?")], "string",
                "The content, or a part of it."),
            .method("decode", [], "table", "The values of all fields by name, of built-in types too."),
            .method("describe", [], "string", "What the item means, on one line."),
            .method("key", [], "treelog.Key", "A copy of the key."),
        ] + readers)

    static let conflict = APIClass(
        name: "treelog.Conflict", role: .view, doc: "What log and subvolume disagree about.",
        entries: [
            .field("kind", "treelog.ConflictWord", "What it is about."),
            .field("reason", "string", "What is wrong, in a sentence."),
            .field("stage", "string", "The pass of the replay."), .field("policy", "string?",
                "The policy that is asked."),
            .field("subvolume", "integer", "The number of the subvolume."),
            .field("inode", "integer", "The inode of the logged item; for a name the one that the log gives it."),
            .field("objectid", "integer", "Of the key."), .field("key", "treelog.Key", "Of the logged item."),
            .field("name", "string?", "For names: the name."),
            .field("directory", "integer?", "For names: the directory."),
            .field("index", "integer?", "For names: the index in the directory."),
            .field("path", "string?", "Of the name in conflict, or of the inode."),
            .field("logged", "treelog.Item?", "The log's side."),
            .field("committed", "treelog.Item?", "The subvolume's side; `committed.inode` has the name now."),
            .field("mainline", "treelog.ResolutionWord", "What Linux does."),
            .method("path_of", [("inode", "integer")], "string?", "The path of an inode as it is now."),
        ])

    private static let replay: Set<ScriptPhase> = [.replay]

    static let context = APIClass(
        name: "treelog.Context", role: .view, doc: "What the replay function of an item type works with.",
        entries: [
            .field("subvolume", "integer", "The number of the subvolume."),
            .field("stage", "string", "The pass of the replay."),
            .field("generation", "integer", "The transaction that the replay commits."),
            .method("committed", [("key", "treelog.Key|treelog.Item")], "string?", "An item of the subvolume.", replay),
            .method("logged", [("key", "treelog.Key|treelog.Item")], "string?", "An item of the log.", replay),
            .method(
                "committed_items", [("objectid", "integer"), ("kind", "integer")], "treelog.StoredItem[]",
                "All items of a kind that an object has in the subvolume.", replay),
            .method(
                "logged_items", [("objectid", "integer"), ("kind", "integer")], "treelog.StoredItem[]",
                "All items of a kind that an object has in the log.", replay),
            .method("exists", [("inode", "integer")], "boolean", "Whether the subvolume has the inode.", replay),
            .method("inode", [("inode", "integer")], "treelog.Inode?", "The inode item of the subvolume.", replay),
            .method("path", [("inode", "integer")], "string?", "The path of an inode as it is now.", replay),
            .method(
                "lookup", [("directory", "integer"), ("name", "string")], "integer?",
                "The inode that has a name in a directory.", replay),
            .method("names", [("inode", "integer")], "treelog.Name[]", "The names of an inode.", replay),
            .method(
                "put", [("item", "treelog.Item|treelog.Key"), ("bytes", "string?")], nil,
                "Puts an item into the subvolume, with its own content or another.", replay),
            .method("remove", [("key", "treelog.Key|treelog.Item")], "boolean", "Removes an item.", replay),
            .method(
                "native", [("item", "treelog.Item"), ("bytes", "string?")], nil,
                "Has the item replayed as if the type had no replay function.", replay),
            .method(
                "link", [("directory", "integer"), ("name", "string"), ("inode", "integer")], "boolean",
                "Gives an inode a name. False: the directory has it already.", replay),
            .method(
                "unlink", [("directory", "integer"), ("name", "string"), ("inode", "integer")], nil,
                "Takes a name from an inode.", replay),
            .method("fix_up", [("inode", "integer")], nil, "Has the links of an inode counted at the end.", replay),
            .method("note", [("format", "string"), ("...", "any")], nil, "Puts a line into the report.", replay),
            .method("warn", [("format", "string"), ("...", "any")], nil, "Puts a warning into the report.", replay),
        ])

    static let block = APIClass(
        name: "treelog.Block", role: .view, doc: "A block of a log, as a process function sees it.",
        entries: [
            .field("address", "integer", "Its logical address."), .field("level", "integer", "0 for a leaf."),
            .field("generation", "integer", "The transaction that wrote it."),
            .field("subvolume", "integer", "The number of the subvolume, -6 in the tree of log trees."),
            .field("count", "integer", "How many items or children it has."),
        ])
}
