// What the constructors take.

extension APITable {
    static let plugin = APIClass(
        name: "treelog.PluginDefinition", role: .definition, doc: "What a plugin adds.",
        entries: [
            .field("name", "string", "Lower case letters, digits, - and _."),
            .field("version", "string", "Three numbers: 1.0.0."),
            .field("api", "integer", "The version of this API that it is written for: 1."),
            .field("summary", "string?", "What it is for, in a sentence."),
            .field("items", "treelog.ItemType[]?", "Item types."),
            .field("policies", "treelog.Policy[]?", "Replay policies."),
            .field("processes", "treelog.Process[]?", "Process functions."),
        ])

    static let itemType = APIClass(
        name: "treelog.ItemTypeDefinition", role: .definition, doc: "A type of items.",
        entries: [
            .field("name", "string", "Upper case letters, digits and _."),
            .field(
                "kind", "integer|string",
                "The key type: 25 to 35 for a mandatory type, 97 to 107 for an optional one. With `override` also the "
                    + "number or name of a type that is there."),
            .field("doc", "string?", "What such an item is, in a sentence."),
            .field(
                "optional", "boolean?",
                "Whether a log can be replayed by someone without the plugin. It has to agree with `kind`."),
            .field("override", "boolean?", "Handles a type that is registered already, built-in ones included."),
            .field(
                "stage", "\"all\"|\"inodes\"|\"directory_index\"?",
                "The pass of the replay; in \"all\", the last one, inodes and names are there already."),
            .field(
                "logged", "\"with_inode\"|\"if_changed\"|\"never\"?",
                "When the items of an inode are logged: each time it is, if they changed since the commit, never."),
            .field(
                "fields", "treelog.Field[]?",
                "The content, packed and little-endian. Without it an item is bytes of any length."),
            .field("describe", "(fun(item: treelog.Item): string)?", "Says what an item means."),
            .field(
                "validate", "(fun(item: treelog.Item): boolean?, string?)?",
                "Raises an error, or returns false and a reason, when an item cannot be right."),
            .field(
                "replay", "(fun(item: treelog.Item, context: treelog.Context): treelog.HandlerWord?, string?)?",
                "Brings a logged item into the subvolume. Without it the item is copied."),
            .field(
                "resolve",
                "(fun(logged: treelog.Item, committed: treelog.Item, conflict: treelog.Conflict): "
                    + "treelog.ResolutionWord?, string?)?",
                "Both sides have the item and they differ."),
        ])

    static let itemTypeObject = APIClass(
        name: "treelog.ItemType", role: .value, doc: "An item type, as its constructor returns it.",
        entries: [
            .field("name", "string", "As it was given."), .field("kind", "integer", "The key type."),
            .method("encode", [("values", "table")], "string",
                "The bytes of an item; fields that count are filled in."),
            .method("decode", [("bytes", "string")], "table", "The values of an item by name."),
            .method(
                "key", [("objectid", "integer"), ("offset", "integer?")], "treelog.Key", "The key of an item.",
                ScriptPhase.any),
        ])

    static let policy = APIClass(
        name: "treelog.PolicyDefinition", role: .definition, doc: "Who settles conflicts in a replay.",
        entries: [
            .field("name", "string", "Lower case letters, digits, - and _."),
            .field("doc", "string?", "What it does, in a sentence."),
            .field("base", "string?", "The policy that decides what this one does not; \"mainline\" if not said."),
            .field("override", "boolean?", "Takes the place of a policy with the same name."),
            .field("options", "table<string, boolean|integer|number|string>?", "What can be set, with defaults."),
            .field("begin", "(fun(options: table): any)?",
                "Makes the state for one run; without it that is the options."),
            .field(
                "resolve",
                "table<treelog.ConflictWord, fun(conflict: treelog.Conflict, state: any): "
                    + "treelog.ResolutionWord?, string?>?",
                "Decides conflicts, by kind. Nothing returned: as the base does."),
            .field(
                "filter", "(fun(item: treelog.Item, state: any): treelog.FilterWord?, string?)?",
                "Looks at each item before it is replayed. Nothing returned: \"continue\"."),
            .field("filter_kinds", "(integer|string)[]?", "The types of the items that the filter looks at."),
        ])

    static let process = APIClass(
        name: "treelog.ProcessDefinition", role: .definition, doc: "Visits the blocks and items of logs.",
        entries: [
            .field("name", "string", "Lower case letters, digits, - and _."),
            .field("doc", "string?", "What it does, in a sentence."),
            .field("options", "table<string, boolean|integer|number|string>?", "What can be set, with defaults."),
            .field("begin", "(fun(options: table): any)?", "Makes the state; without it that is the options."),
            .field("block", "(fun(block: treelog.Block, state: any))?", "Called for each block, leaves before nodes."),
            .field("item", "(fun(item: treelog.Item, state: any))?", "Called for each item, in key order."),
            .field("kinds", "(integer|string)[]?", "The types of the items that `item` looks at."),
            .field("finish", "(fun(state: any))?", "Called at the end."),
        ])

    static let fieldOptions = APIClass(
        name: "treelog.FieldOptions", role: .definition, doc: "What else there is to say of a field.",
        entries: [
            .field("doc", "string?", "What it holds."),
            .field("format", "string?", "Integers: decimal, hex, octal, time. Bytes: hex, text, uuid."),
            .field("names", "table<integer, string>?", "Names of the values of an integer, or of its bits."),
            .field("flags", "boolean?", "`names` are names of bits: 1, 2, 4, …"),
            .field("count", "integer|string?",
                "How many bytes or elements, or the field that says it. None: the rest."),
            .field("of", "string|treelog.Field[]?", "What an array is of: an integer type, time, key, or fields."),
            .field("fields", "treelog.Field[]?", "Of a struct."),
        ])
}
