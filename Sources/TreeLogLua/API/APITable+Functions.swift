// The table `treelog`.

extension APITable {
    private static let load: Set<ScriptPhase> = [.load]

    private static let constructors: [APIEntry] = [
        .function(
            "plugin", [("definition", "treelog.PluginDefinition")], "treelog.Plugin", "What `plugin.lua` returns.",
            load),
        .function(
            "item_type", [("definition", "treelog.ItemTypeDefinition")], "treelog.ItemType",
                "Declares a type of items.",
            load),
        .function(
            "replay_policy", [("definition", "treelog.PolicyDefinition")], "treelog.Policy", "Declares a policy.",
                load),
        .function(
            "process", [("definition", "treelog.ProcessDefinition")], "treelog.Process", "Declares a process function.",
            load),
    ]

    /// `u64 "name"`, `bytes "name" { … }`.
    private static let fields: [APIEntry] = fieldWords.filter { $0 != "key" }.map {
        .function($0, [("name", "string")], "treelog.Field", "Declares a field.", load)
    }

    static let treelog = APIClass(
        name: "treelog", role: .namespace, doc: "All that treelog offers to scripts.",
        entries: constructors + fields + expectations + workloadFunctions + [
            .function(
                "key", [("objectid", "integer|string"), ("kind", "integer?"), ("offset", "integer?")],
                "treelog.Key|treelog.Field", "A key; with a name alone a field that holds one."),
            .field("api", "integer", "The version of this API."),
            .field("kinds", "table<string, integer>", "The key types by name."),
            .function("kind_name", [("kind", "integer")], "string", "The name of a key type."),
            .function("u64_string", [("value", "integer")], "string", "An unsigned number in decimal digits."),
            .function("key_string", [("key", "treelog.Key|treelog.Item")], "string", "A key as (257 INODE_ITEM 0)."),
            .function("hex", [("bytes", "string")], "string", "Bytes as pairs of hexadecimal digits."),
            .function("unhex", [("digits", "string")], "string", "The bytes of hexadecimal digits."),
            .function("name_hash", [("name", "string")], "integer", "The hash in keys of DIR_ITEM and XATTR_ITEM."),
            .function("crc32c", [("bytes", "string")], "integer", "A checksum of 32 bits."),
            .function(
                "glob", [("pattern", "string"), ("path", "string")], "boolean",
                "Whether a path fits: * and ? within a name, ** across directories."),
            .function("json", [("value", "any")], "string", "A value as JSON."),
            .function("csv", [("values", "any[]")], "string", "Values as a line of CSV, with its end."),
            .function(
                "note", [("format", "string"), ("...", "any")], nil, "Puts a line into the report.",
                ScriptPhase.running),
            .function(
                "warn", [("format", "string"), ("...", "any")], nil, "Puts a warning into the report.",
                ScriptPhase.running),
            .function(
                "write", [("...", "string|number")], nil, "Writes to the output of a process function.", [.process]),
        ])
}
