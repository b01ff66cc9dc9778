// The object `fs` of workloads.

extension APITable {
    private typealias Parameters = [(String, String)]

    private static let running: Set<ScriptPhase> = [.workload]
    private static let path: (String, String) = ("path", "string")
    /// A path, or a file that was opened.
    private static let file: (String, String) = ("file", "string|integer")

    static let fileSystem = APIClass(
        name: "treelog.FileSystem", role: .view,
        doc: "A mounted volume. Where a `file` is asked for, a path will do, or the number that `open` or `tmpfile` "
            + "gave. Errors name operation, path and code: `unlink /a: ENOENT`.",
        entries: names + contents + attributes + subvolumes + durability + items)

    private static func method(
        _ name: String, _ parameters: Parameters, _ returns: String? = nil, _ doc: String
    ) -> APIEntry {
        .method(name, parameters, returns, doc, workloads)
    }

    private static let names: [APIEntry] = [
        method("create", [path, ("mode", "integer?")], nil, "Makes an empty file; an error when there is the name."),
        method("mkdir", [path, ("mode", "integer?")], nil, "Makes a directory."),
        method("symlink", [("target", "string"), path], nil, "Makes a symbolic link to `target`."),
        method(
            "mknod",
            [path, ("type", "\"fifo\"|\"socket\"|\"character\"|\"block\""), ("major", "integer?"),
                ("minor", "integer?"), ("mode", "integer?")], nil, "Makes a special file."),
        method("link", [file, ("new", "string")], nil, "Gives a file one more name; also one that has none yet."),
        method("unlink", [path], nil, "Takes a name of a file away."),
        method("rmdir", [path], nil, "Removes an empty directory."),
        method(
            "rename", [("old", "string"), ("new", "string"), ("how", "\"exchange\"|\"no_replace\"?")], nil,
            "Renames, over what has the new name; or exchanges the two, or is an error when there is the new name."),
        method("exists", [path], "boolean", "Whether there is such a name. Symbolic links are not followed."),
        method("readdir", [path], "string[]", "The names in a directory, by their bytes."),
        method("readlink", [path], "string", "The target of a symbolic link."),
        method("stat", [file], "treelog.Stat", "What is known of an inode. Symbolic links are not followed."),
    ]

    private static let contents: [APIEntry] = [
        method("open", [path], "integer", "Opens a file; it lives until `close`, also without a name."),
        method("tmpfile", [path, ("mode", "integer?")], "integer", "Makes and opens a file without a name in a "
            + "directory."),
        method("close", [("file", "integer")], nil, "Closes a file."),
        method(
            "write", [file, ("bytes", "string"), ("offset", "integer?")], nil,
            "Writes bytes, at 0 if no offset is said; a file that is there keeps the rest. One that is not there is "
                + "made first, and stays, empty, when there is no room for the bytes."),
        method("append", [file, ("bytes", "string")], nil, "Writes at the end, as `write` does."),
        method(
            "read", [file, ("offset", "integer?"), ("count", "integer?")], "string",
            "Bytes of a file; without a count all to its end."),
        method("truncate", [path, ("size", "integer")], nil, "Makes a file shorter or longer."),
        method(
            "allocate", [path, ("offset", "integer"), ("count", "integer"), ("how", "\"keep_size\"?")], nil,
            "Reserves space for a range of a file, as fallocate does."),
        method("punch", [path, ("offset", "integer"), ("count", "integer")], nil, "Makes a range a hole."),
        method(
            "zero", [path, ("offset", "integer"), ("count", "integer"), ("how", "\"keep_size\"?")], nil,
            "Makes a range zeros with space reserved for it."),
        method(
            "clone",
            [("source", "string"), ("target", "string"), ("offset", "integer?"), ("count", "integer?"),
                ("target_offset", "integer?")], nil,
            "Shares extents of a file with another; the whole file if no range is said."),
    ]

    private static let attributes: [APIEntry] = [
        method("chmod", [path, ("mode", "integer")], nil, "Sets the permissions: `tonumber(\"640\", 8)`."),
        method("chown", [path, ("uid", "integer"), ("gid", "integer")], nil, "Sets owner and group."),
        method(
            "utimes", [path, ("atime", "treelog.Time|integer"), ("mtime", "treelog.Time|integer")], nil,
            "Sets times, as tables or in seconds."),
        method("set_nocow", [path, ("on", "boolean")], nil, "Has an empty file written in place, without checksums."),
        method(
            "set_xattr", [path, ("name", "string"), ("value", "string"), ("how", "\"create\"|\"replace\"?")], nil,
            "Sets an extended attribute."),
        method("get_xattr", [path, ("name", "string")], "string?", "The value of an extended attribute."),
        method("list_xattrs", [path], "string[]", "The names of extended attributes, by their bytes."),
        method("remove_xattr", [path, ("name", "string")], nil, "Removes an extended attribute."),
        method(
            "enable_verity", [path, ("commit_after", "integer?")], nil,
            "Has fs-verity protect the content of a file. There is a commit after each `commit_after` blocks of its "
                + "hash tree, 4096 if not said."),
        method(
            "verity_digest", [path], "string?",
            "By what fs-verity knows the content of a file, as `fsverity digest` says it: `sha256:` and 64 digits."),
    ]

    private static let subvolumes: [APIEntry] = [
        method("subvolume", [path], nil, "Makes an empty subvolume."),
        method(
            "snapshot", [("source", "string"), path, ("how", "\"read_only\"?")], nil,
            "Makes a snapshot of a subvolume."),
        method("delete_subvolume", [path], nil, "Deletes a subvolume with all that is in it."),
        method("enable_quotas", [], nil, "Begins to count the space of subvolumes, with full quotas: a full commit."),
        method("disable_quotas", [], nil, "Counts the space of subvolumes no more: a full commit."),
        method("quota_groups", [], "string[]", "The quota groups, such as `0/5`; none where quotas are off."),
    ]

    private static let durability: [APIEntry] = [
        method("fsync", [file], "treelog.SyncResult", "Makes a file or directory durable, through the log if it can."),
        method("fdatasync", [path], "treelog.SyncResult", "Makes the content of a file durable."),
        method("sync", [], nil, "Makes everything durable: a full commit."),
        .method(
            "mark", [("name", "string")], nil,
            "Names this moment for `crash:after`. A crash is checked here, too. A name can be given once.", running),
        method("crash", [], nil, "Loses all that is not durable, and mounts the volume again. Open files are gone."),
        method("remount", [], nil, "Unmounts the volume and mounts it again. Open files are gone."),
        method("state", [], "string", "All that can be seen of the volume, as lines of text."),
    ]

    private static let items: [APIEntry] = [
        method(
            "put_item", [path, ("kind", "integer|table"), ("offset", "integer"), ("bytes", "string")], nil,
            "Puts an item of a plugin's type under an inode; `kind` is a number or an item type."),
        method(
            "get_item", [path, ("kind", "integer|table"), ("offset", "integer")], "string?",
            "The bytes of an item under an inode."),
        method("delete_item", [path, ("kind", "integer|table"), ("offset", "integer")], nil, "Deletes an item."),
        method(
            "items", [path, ("kind", "integer|table")], "integer[]",
            "The offsets of the items of a type under an inode, ascending as unsigned numbers."),
    ]
}
