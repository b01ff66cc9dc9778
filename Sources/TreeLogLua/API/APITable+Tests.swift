// What `test.lua` is given.

extension APITable {
    private static let tests: Set<ScriptPhase> = [.test]
    private static let judging: Set<ScriptPhase> = [.test, .workload, .check]

    /// Functions of the table `treelog` that tests and workloads have.
    static let expectations: [APIEntry] = [
        .function(
            "expect", [("value", "any"), ("message", "string?")], nil, "Fails when a value is false or nil.", judging),
        .function(
            "expect_equal", [("value", "any"), ("expected", "any"), ("message", "string?")], nil,
            "Fails when two values differ; tables are compared by what is in them.", judging),
    ]

    static let test = APIClass(
        name: "treelog.Test", role: .view, doc: "What a test is given. Item types and policies go by their names.",
        entries: [
            .method(
                "encode", [("item", "string"), ("values", "table")], "string", "The bytes of an item of this type.",
                tests),
            .method(
                "decode", [("item", "string"), ("bytes", "string")], "table", "The values of an item of this type.",
                tests),
            .method(
                "describe",
                [("item", "string"), ("value", "table|string"), ("inode", "integer?"), ("offset", "integer?")],
                "string", "What `describe` says of an item.", tests),
            .method(
                "validate",
                [("item", "string"), ("value", "table|string"), ("inode", "integer?"), ("offset", "integer?")],
                "boolean, string?", "Whether an item is right, or why not.", tests),
            .method(
                "resolve",
                [
                    ("item", "string"), ("logged", "table|string"), ("committed", "table|string"),
                    ("inode", "integer?"), ("offset", "integer?"),
                ],
                "treelog.ResolutionWord?, any", "What `resolve` of the type answers; merged items as tables.", tests),
            .method(
                "decide",
                [
                    ("policy", "string"), ("kind", "treelog.ConflictWord"), ("conflict", "treelog.TestConflict"),
                    ("options", "table?"),
                ],
                "treelog.ResolutionWord?, any", "What a policy answers to a conflict; nil: as its base.", tests),
            .method("volume", [], "treelog.TestVolume", "A volume in memory with one file: `file`, inode 257.", tests),
        ])

    static let testConflict = APIClass(
        name: "treelog.TestConflict", role: .value, doc: "A conflict as a test describes it; all may be left out.",
        entries: [
            .field("inode", "integer?", "257 if not said."), .field("key", "treelog.Key?", "Of the logged item."),
            .field("name", "string?", "Of conflicts about names."),
            .field("directory", "integer?", "256 if not said."), .field("index", "integer?", "In the directory."),
            .field("reason", "string?", "What is wrong."),
            .field("logged", "{ inode: integer?, bytes: string? }?", "The log's side."),
            .field("committed", "{ inode: integer?, bytes: string? }?", "The subvolume's side."),
        ])

    static let testVolume = APIClass(
        name: "treelog.TestVolume", role: .view,
            doc: "A volume in memory; what is committed and logged waits for replay.",
        entries: [
            .method(
                "commit",
                [("item", "string"), ("inode", "integer"), ("offset", "integer"), ("value", "table|string")], nil,
                "Puts an item into the subvolume.", tests),
            .method(
                "log", [("item", "string"), ("inode", "integer"), ("offset", "integer"), ("value", "table|string")],
                nil, "Puts an item into the log.", tests),
            .method(
                "log_file", [("name", "string"), ("inode", "integer")], nil,
                "Puts a new file of the top directory into the log.", tests),
            .method(
                "replay", [("policy", "string?"), ("options", "table?")], "treelog.TestReport",
                "Replays the log and commits the result. An error when the replay fails.", tests),
            .method(
                "get", [("item", "string"), ("inode", "integer"), ("offset", "integer?")], "table|string|nil",
                "An item of the subvolume.", tests),
            .method(
                "ls", [("path", "string?")], "table<string, integer>?", "Names and inodes of a directory.", tests),
            .method(
                "walk", [("process", "string"), ("options", "table?")], "string",
                "What a process function writes about the log.", tests),
        ])

    static let testReport = APIClass(
        name: "treelog.TestReport", role: .value, doc: "What a replay said.",
        entries: [
            .field("notes", "string[]", "Of treelog.note."), .field("warnings", "string[]", "Of treelog.warn."),
            .field("partial", "boolean", "Whether something was left out."),
        ])
}
