// What workloads declare and are given.

extension APITable {
    static let workloads: Set<ScriptPhase> = [.workload, .check]
    private static let running: Set<ScriptPhase> = [.workload]

    /// Functions of the table `treelog` that only workloads have.
    static let workloadFunctions: [APIEntry] = [
        .function(
            "workload", [("definition", "treelog.WorkloadDefinition")], "treelog.Workload",
            "What the file of a workload returns.", [.load]),
        .function(
            "expect_error", [("code", "string"), ("body", "function"), ("...", "any")], "string",
            "Fails unless the body, called with the further arguments, ends in this error of the file system, as "
                + "`\"ENOENT\"`. The result is its message.", workloads),
        .function(
            "try", [("body", "function"), ("...", "any")], "boolean, any",
            "True and the result of the body, or false and the code of the file system's error. Other errors go on.",
            workloads),
        .function(
            "random", [("low", "integer?"), ("high", "integer?")], "integer",
            "A random integer: of all 64 bits; from 1 to one bound; or between two. The same for the same seed.",
            running),
        .function("random_bytes", [("count", "integer")], "string", "Random bytes.", running),
        .function("pick", [("list", "any[]")], "any", "A random element of a list.", running),
    ]

    static let workload = APIClass(
        name: "treelog.WorkloadDefinition", role: .definition, doc: "What is done to a volume, and what has to hold "
            + "after a crash.",
        entries: [
            .field("name", "string", "Lower case letters, digits, - and _."),
            .field("doc", "string?", "What it is about, in a sentence."),
            .field("volume", "treelog.VolumeDefinition?", "The new volume."),
            .field(
                "parameters", "table<string, boolean|integer|number|string>?",
                "What `--set KEY=VALUE` can change, with defaults. All functions get them as their last argument."),
            .field(
                "setup", "(fun(fs: treelog.FileSystem, parameters: table))?",
                "Runs first, and is made durable: no crash lies in it."),
            .field(
                "run", "fun(fs: treelog.FileSystem, parameters: table)",
                "What may be cut by a crash. The volume was mounted anew after `setup`."),
            .field(
                "crashes", "(\"syncs\"|\"flushes\")?",
                "Where the power goes: after each fsync and sync and at each mark, or after each flush of the device "
                    + "as well, in the middle of an fsync too."),
            .field(
                "check", "(fun(fs: treelog.FileSystem, crash: treelog.Crash, parameters: table))?",
                "Judges the volume after a crash and the replay of its log. It may change the volume."),
        ])

    static let volume = APIClass(
        name: "treelog.VolumeDefinition", role: .definition, doc: "A new volume.",
        entries: [
            .field("size", "integer?", "In bytes; 128 MiB if not said."),
            .field("node_size", "integer?", "Of a tree block, in bytes; as `treelog mkfs` has it if not said."),
            .field("sector_size", "integer?", "In bytes; 4096 if not said."),
            .field("checksum", "\"crc32c\"|\"xxhash64\"|\"sha256\"|\"blake2b\"?", "Of blocks and data."),
            .field("metadata", "\"single\"|\"dup\"?", "How many copies of metadata there are; \"dup\" if not said."),
            .field("mixed", "boolean?", "Whether data and metadata share block groups."),
            .field(
                "features", "string[]?", "As for `treelog mkfs`: `{ \"^no-holes\" }` is a volume without no-holes."),
            .field("label", "string?", "The label."),
        ])

    static let crash = APIClass(
        name: "treelog.Crash", role: .view, doc: "Where the power went.",
        entries: [
            .field("operation", "integer", "The number of the last operation of `run` that had returned; 0 for none."),
            .field("point", "string", "The same in words: after fsync \"/y\"."),
            .method(
                "after", [("mark", "string")], "boolean",
                "Whether `run` had passed this mark: what was synced before it must be there.", [.check]),
            .method(
                "before", [("mark", "string")], "boolean",
                "Whether `run` had not come to this mark. Not every crash is after or before one in a loop.", [.check]),
        ])

    static let stat = APIClass(
        name: "treelog.Stat", role: .value, doc: "What is known of an inode.",
        entries: [
            .field("inode", "integer", "Its number in its subvolume."),
            .field("subvolume", "integer", "The number of the subvolume."),
            .field("type", "string", "file, directory, symlink, character, block, fifo, socket or unknown."),
            .field("size", "integer", "In bytes."), .field("nbytes", "integer", "That its extents take, in bytes."),
            .field("nlink", "integer", "How many names it has."), .field("mode", "integer", "Permissions, as 420."),
            .field("uid", "integer", "The owner."), .field("gid", "integer", "The group."),
            .field("rdev", "integer", "Of a device node."), .field("flags", "integer", "Bits of the inode item."),
            .field("atime", "treelog.Time", "Of the last access."),
            .field("mtime", "treelog.Time", "Of the last change of the content."),
            .field("ctime", "treelog.Time", "Of the last change of the inode."),
            .field("otime", "treelog.Time", "When it was made."),
        ])

    static let syncResult = APIClass(
        name: "treelog.SyncResult", role: .value, doc: "What an fsync did.",
        entries: [
            .field("outcome", "string", "\"logged\", \"full_commit\", or \"nothing\" where all was durable."),
            .field("reason", "treelog.ReasonWord?", "Why it took a full commit."),
            .field("bytes", "integer", "That it wrote to the device."),
        ])
}
