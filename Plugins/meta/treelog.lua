---@meta treelog
-- Made by treelog from its table of the API; not to be changed by hand.

---@alias treelog.u64 integer # above 2^63-1 it shows as negative: compare with math.ult
---@alias treelog.ConflictWord "inode_item"|"name"|"index"|"back_reference"|"deleted_name"|"xattr"|"extent"|"checksum_range"|"custom_item"|"missing_inode"|"missing_parent"|"damaged_item"
---@alias treelog.ResolutionWord "take"|"keep"|"keep_both"|"merge"|"skip"|"skip_inode"|"stop"
---@alias treelog.FilterWord "continue"|"ignore"|"ignore_inode"|"stop"|"replace"
---@alias treelog.HandlerWord "done"|"skip"|"skip_inode"|"stop"
---@alias treelog.ReasonWord "log_not_used"|"new_chunk"|"new_subvolume"|"changed_subvolume"|"moved_file"|"deleted_parent"|"conflict_with_subvolume"|"conflict_with_moved_directory"|"too_many_conflicts"|"extended_references"|"item_too_large"|"deleted_item"|"unknown_item_type"|"enabled_verity"|"too_many_extents"|"no_space"|"requested"|"failure"

---A field of an item type; call it with a table for more: `u32 "flags" { format = "hex" }`.
---@class treelog.Field
---@overload fun(options: treelog.FieldOptions): treelog.Field

---@class treelog.Plugin
---@class treelog.Policy
---@class treelog.Process
---@class treelog.Workload

---All that treelog offers to scripts.
---@class treelog
---@field api integer # The version of this API.
---@field kinds table<string, integer> # The key types by name.
treelog = {}

---What `plugin.lua` returns.
---
---Only while the plugin loads.
---@param definition treelog.PluginDefinition
---@return treelog.Plugin
function treelog.plugin(definition) end

---Declares a type of items.
---
---Only while the plugin loads.
---@param definition treelog.ItemTypeDefinition
---@return treelog.ItemType
function treelog.item_type(definition) end

---Declares a policy.
---
---Only while the plugin loads.
---@param definition treelog.PolicyDefinition
---@return treelog.Policy
function treelog.replay_policy(definition) end

---Declares a process function.
---
---Only while the plugin loads.
---@param definition treelog.ProcessDefinition
---@return treelog.Process
function treelog.process(definition) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.i8(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.i16(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.i32(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.i64(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.u8(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.u16(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.u32(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.u64(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.array(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.bytes(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.struct(name) end

---Declares a field.
---
---Only while the plugin loads.
---@param name string
---@return treelog.Field
function treelog.time(name) end

---Fails when a value is false or nil.
---
---Only in a test, in setup and run of a workload, in check of a workload.
---@param value any
---@param message? string
function treelog.expect(value, message) end

---Fails when two values differ; tables are compared by what is in them.
---
---Only in a test, in setup and run of a workload, in check of a workload.
---@param value any
---@param expected any
---@param message? string
function treelog.expect_equal(value, expected, message) end

---What the file of a workload returns.
---
---Only while the plugin loads.
---@param definition treelog.WorkloadDefinition
---@return treelog.Workload
function treelog.workload(definition) end

---Fails unless the body, called with the further arguments, ends in this error of the file system, as `"ENOENT"`. The result is its message.
---
---Only in setup and run of a workload, in check of a workload.
---@param code string
---@param body function
---@param ... any
---@return string
function treelog.expect_error(code, body, ...) end

---True and the result of the body, or false and the code of the file system's error. Other errors go on.
---
---Only in setup and run of a workload, in check of a workload.
---@param body function
---@param ... any
---@return boolean, any
function treelog.try(body, ...) end

---A random integer: of all 64 bits; from 1 to one bound; or between two. The same for the same seed.
---
---Only in setup and run of a workload.
---@param low? integer
---@param high? integer
---@return integer
function treelog.random(low, high) end

---Random bytes.
---
---Only in setup and run of a workload.
---@param count integer
---@return string
function treelog.random_bytes(count) end

---A random element of a list.
---
---Only in setup and run of a workload.
---@param list any[]
---@return any
function treelog.pick(list) end

---A key; with a name alone a field that holds one.
---@param objectid integer|string
---@param kind? integer
---@param offset? integer
---@return treelog.Key|treelog.Field
function treelog.key(objectid, kind, offset) end

---The name of a key type.
---@param kind integer
---@return string
function treelog.kind_name(kind) end

---An unsigned number in decimal digits.
---@param value integer
---@return string
function treelog.u64_string(value) end

---A key as (257 INODE_ITEM 0).
---@param key treelog.Key|treelog.Item
---@return string
function treelog.key_string(key) end

---Bytes as pairs of hexadecimal digits.
---@param bytes string
---@return string
function treelog.hex(bytes) end

---The bytes of hexadecimal digits.
---@param digits string
---@return string
function treelog.unhex(digits) end

---The hash in keys of DIR_ITEM and XATTR_ITEM.
---@param name string
---@return integer
function treelog.name_hash(name) end

---A checksum of 32 bits.
---@param bytes string
---@return integer
function treelog.crc32c(bytes) end

---Whether a path fits: * and ? within a name, ** across directories.
---@param pattern string
---@param path string
---@return boolean
function treelog.glob(pattern, path) end

---A value as JSON.
---@param value any
---@return string
function treelog.json(value) end

---Values as a line of CSV, with its end.
---@param values any[]
---@return string
function treelog.csv(values) end

---Puts a line into the report.
---@param format string
---@param ... any
function treelog.note(format, ...) end

---Puts a warning into the report.
---@param format string
---@param ... any
function treelog.warn(format, ...) end

---Writes to the output of a process function.
---
---Only in a process function.
---@param ... string|number
function treelog.write(...) end

---What a plugin adds.
---@class treelog.PluginDefinition
---@field name string # Lower case letters, digits, - and _.
---@field version string # Three numbers: 1.0.0.
---@field api integer # The version of this API that it is written for: 1.
---@field summary? string # What it is for, in a sentence.
---@field items? treelog.ItemType[] # Item types.
---@field policies? treelog.Policy[] # Replay policies.
---@field processes? treelog.Process[] # Process functions.

---A type of items.
---@class treelog.ItemTypeDefinition
---@field name string # Upper case letters, digits and _.
---@field kind integer|string # The key type: 25 to 35 for a mandatory type, 97 to 107 for an optional one. With `override` also the number or name of a type that is there.
---@field doc? string # What such an item is, in a sentence.
---@field optional? boolean # Whether a log can be replayed by someone without the plugin. It has to agree with `kind`.
---@field override? boolean # Handles a type that is registered already, built-in ones included.
---@field stage? "all"|"inodes"|"directory_index" # The pass of the replay; in "all", the last one, inodes and names are there already.
---@field logged? "with_inode"|"if_changed"|"never" # When the items of an inode are logged: each time it is, if they changed since the commit, never.
---@field fields? treelog.Field[] # The content, packed and little-endian. Without it an item is bytes of any length.
---@field describe? (fun(item: treelog.Item): string) # Says what an item means.
---@field validate? (fun(item: treelog.Item): boolean?, string?) # Raises an error, or returns false and a reason, when an item cannot be right.
---@field replay? (fun(item: treelog.Item, context: treelog.Context): treelog.HandlerWord?, string?) # Brings a logged item into the subvolume. Without it the item is copied.
---@field resolve? (fun(logged: treelog.Item, committed: treelog.Item, conflict: treelog.Conflict): treelog.ResolutionWord?, string?) # Both sides have the item and they differ.

---An item type, as its constructor returns it.
---@class treelog.ItemType
---@field name string # As it was given.
---@field kind integer # The key type.
local ItemType = {}

---The bytes of an item; fields that count are filled in.
---@param values table
---@return string
function ItemType:encode(values) end

---The values of an item by name.
---@param bytes string
---@return table
function ItemType:decode(bytes) end

---The key of an item.
---@param objectid integer
---@param offset? integer
---@return treelog.Key
function ItemType:key(objectid, offset) end

---Who settles conflicts in a replay.
---@class treelog.PolicyDefinition
---@field name string # Lower case letters, digits, - and _.
---@field doc? string # What it does, in a sentence.
---@field base? string # The policy that decides what this one does not; "mainline" if not said.
---@field override? boolean # Takes the place of a policy with the same name.
---@field options? table<string, boolean|integer|number|string> # What can be set, with defaults.
---@field begin? (fun(options: table): any) # Makes the state for one run; without it that is the options.
---@field resolve? table<treelog.ConflictWord, fun(conflict: treelog.Conflict, state: any): treelog.ResolutionWord?, string?> # Decides conflicts, by kind. Nothing returned: as the base does.
---@field filter? (fun(item: treelog.Item, state: any): treelog.FilterWord?, string?) # Looks at each item before it is replayed. Nothing returned: "continue".
---@field filter_kinds? (integer|string)[] # The types of the items that the filter looks at.

---Visits the blocks and items of logs.
---@class treelog.ProcessDefinition
---@field name string # Lower case letters, digits, - and _.
---@field doc? string # What it does, in a sentence.
---@field options? table<string, boolean|integer|number|string> # What can be set, with defaults.
---@field begin? (fun(options: table): any) # Makes the state; without it that is the options.
---@field block? (fun(block: treelog.Block, state: any)) # Called for each block, leaves before nodes.
---@field item? (fun(item: treelog.Item, state: any)) # Called for each item, in key order.
---@field kinds? (integer|string)[] # The types of the items that `item` looks at.
---@field finish? (fun(state: any)) # Called at the end.

---What else there is to say of a field.
---@class treelog.FieldOptions
---@field doc? string # What it holds.
---@field format? string # Integers: decimal, hex, octal, time. Bytes: hex, text, uuid.
---@field names? table<integer, string> # Names of the values of an integer, or of its bits.
---@field flags? boolean # `names` are names of bits: 1, 2, 4, …
---@field count? integer|string # How many bytes or elements, or the field that says it. None: the rest.
---@field of? string|treelog.Field[] # What an array is of: an integer type, time, key, or fields.
---@field fields? treelog.Field[] # Of a struct.

---An item, valid until the callback that it was passed to returns. Fields of its type are read by name.
---@class treelog.Item
---@field objectid integer # Of the key.
---@field kind integer # The key type.
---@field offset integer # Of the key.
---@field inode integer # The inode it is about.
---@field size integer # How many bytes the content has.
---@field type string # The name of the type: INODE_ITEM.
---@field subvolume integer # The number of the subvolume.
---@field block integer # The address of the log block.
---@field slot integer # In the block.
---@field path? string # The path of the inode, without a slash in front.
local Item = {}

---The content, or a part of it.
---@param offset? integer
---@param count? integer
---@return string
function Item:bytes(offset, count) end

---The values of all fields by name, of built-in types too.
---@return table
function Item:decode() end

---What the item means, on one line.
---@return string
function Item:describe() end

---A copy of the key.
---@return treelog.Key
function Item:key() end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:i8(offset) end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:i16(offset) end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:i32(offset) end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:i64(offset) end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:u8(offset) end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:u16(offset) end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:u32(offset) end

---The integer at an offset in the content.
---@param offset integer
---@return integer
function Item:u64(offset) end

---What log and subvolume disagree about.
---@class treelog.Conflict
---@field kind treelog.ConflictWord # What it is about.
---@field reason string # What is wrong, in a sentence.
---@field stage string # The pass of the replay.
---@field policy? string # The policy that is asked.
---@field subvolume integer # The number of the subvolume.
---@field inode integer # The inode of the logged item; for a name the one that the log gives it.
---@field objectid integer # Of the key.
---@field key treelog.Key # Of the logged item.
---@field name? string # For names: the name.
---@field directory? integer # For names: the directory.
---@field index? integer # For names: the index in the directory.
---@field path? string # Of the name in conflict, or of the inode.
---@field logged? treelog.Item # The log's side.
---@field committed? treelog.Item # The subvolume's side; `committed.inode` has the name now.
---@field mainline treelog.ResolutionWord # What Linux does.
local Conflict = {}

---The path of an inode as it is now.
---@param inode integer
---@return string?
function Conflict:path_of(inode) end

---What the replay function of an item type works with. Its functions can be called only in a replay function.
---@class treelog.Context
---@field subvolume integer # The number of the subvolume.
---@field stage string # The pass of the replay.
---@field generation integer # The transaction that the replay commits.
local Context = {}

---An item of the subvolume.
---@param key treelog.Key|treelog.Item
---@return string?
function Context:committed(key) end

---An item of the log.
---@param key treelog.Key|treelog.Item
---@return string?
function Context:logged(key) end

---All items of a kind that an object has in the subvolume.
---@param objectid integer
---@param kind integer
---@return treelog.StoredItem[]
function Context:committed_items(objectid, kind) end

---All items of a kind that an object has in the log.
---@param objectid integer
---@param kind integer
---@return treelog.StoredItem[]
function Context:logged_items(objectid, kind) end

---Whether the subvolume has the inode.
---@param inode integer
---@return boolean
function Context:exists(inode) end

---The inode item of the subvolume.
---@param inode integer
---@return treelog.Inode?
function Context:inode(inode) end

---The path of an inode as it is now.
---@param inode integer
---@return string?
function Context:path(inode) end

---The inode that has a name in a directory.
---@param directory integer
---@param name string
---@return integer?
function Context:lookup(directory, name) end

---The names of an inode.
---@param inode integer
---@return treelog.Name[]
function Context:names(inode) end

---Puts an item into the subvolume, with its own content or another.
---@param item treelog.Item|treelog.Key
---@param bytes? string
function Context:put(item, bytes) end

---Removes an item.
---@param key treelog.Key|treelog.Item
---@return boolean
function Context:remove(key) end

---Has the item replayed as if the type had no replay function.
---@param item treelog.Item
---@param bytes? string
function Context:native(item, bytes) end

---Gives an inode a name. False: the directory has it already.
---@param directory integer
---@param name string
---@param inode integer
---@return boolean
function Context:link(directory, name, inode) end

---Takes a name from an inode.
---@param directory integer
---@param name string
---@param inode integer
function Context:unlink(directory, name, inode) end

---Has the links of an inode counted at the end.
---@param inode integer
function Context:fix_up(inode) end

---Puts a line into the report.
---@param format string
---@param ... any
function Context:note(format, ...) end

---Puts a warning into the report.
---@param format string
---@param ... any
function Context:warn(format, ...) end

---A block of a log, as a process function sees it.
---@class treelog.Block
---@field address integer # Its logical address.
---@field level integer # 0 for a leaf.
---@field generation integer # The transaction that wrote it.
---@field subvolume integer # The number of the subvolume, -6 in the tree of log trees.
---@field count integer # How many items or children it has.

---What identifies an item. An item view is one as well.
---@class treelog.Key
---@field objectid integer # The inode, for items of files.
---@field kind integer # The key type, 0 to 255.
---@field offset integer # What tells items of one kind and object apart.

---A point in time.
---@class treelog.Time
---@field seconds integer # Since 1970; negative before.
---@field nanoseconds integer # 0 to 999999999.

---A name of an inode.
---@class treelog.Name
---@field directory integer # The inode of the directory.
---@field index integer # The index of the name in the directory.
---@field name string # The bytes of the name.

---An inode item.
---@class treelog.Inode
---@field objectid integer # The number of the inode.
---@field type string # file, directory, symlink, character, block, fifo, socket or unknown.
---@field size integer # In bytes; for a directory twice the lengths of its names.
---@field nbytes integer # Bytes that its extents take.
---@field nlink integer # How many names it has.
---@field mode integer # Type and permissions.
---@field uid integer # The owner.
---@field gid integer # The group.
---@field rdev integer # Of a device node.
---@field flags integer # Bits of the inode item.
---@field generation integer # The transaction that made it.
---@field transid integer # The transaction that changed it last.
---@field sequence integer # Counts changes, for NFS.
---@field atime treelog.Time # Of the last access.
---@field ctime treelog.Time # Of the last change of the inode.
---@field mtime treelog.Time # Of the last change of the content.
---@field otime treelog.Time # When it was made.

---A copy of an item.
---@class treelog.StoredItem
---@field objectid integer # Of the key.
---@field kind integer # Of the key.
---@field offset integer # Of the key.
---@field bytes string # The content.

---What a test is given. Item types and policies go by their names. Its functions can be called only in a test.
---@class treelog.Test
local Test = {}

---The bytes of an item of this type.
---@param item string
---@param values table
---@return string
function Test:encode(item, values) end

---The values of an item of this type.
---@param item string
---@param bytes string
---@return table
function Test:decode(item, bytes) end

---What `describe` says of an item.
---@param item string
---@param value table|string
---@param inode? integer
---@param offset? integer
---@return string
function Test:describe(item, value, inode, offset) end

---Whether an item is right, or why not.
---@param item string
---@param value table|string
---@param inode? integer
---@param offset? integer
---@return boolean, string?
function Test:validate(item, value, inode, offset) end

---What `resolve` of the type answers; merged items as tables.
---@param item string
---@param logged table|string
---@param committed table|string
---@param inode? integer
---@param offset? integer
---@return treelog.ResolutionWord?, any
function Test:resolve(item, logged, committed, inode, offset) end

---What a policy answers to a conflict; nil: as its base.
---@param policy string
---@param kind treelog.ConflictWord
---@param conflict treelog.TestConflict
---@param options? table
---@return treelog.ResolutionWord?, any
function Test:decide(policy, kind, conflict, options) end

---A volume in memory with one file: `file`, inode 257.
---@return treelog.TestVolume
function Test:volume() end

---A conflict as a test describes it; all may be left out.
---@class treelog.TestConflict
---@field inode? integer # 257 if not said.
---@field key? treelog.Key # Of the logged item.
---@field name? string # Of conflicts about names.
---@field directory? integer # 256 if not said.
---@field index? integer # In the directory.
---@field reason? string # What is wrong.
---@field logged? { inode: integer?, bytes: string? } # The log's side.
---@field committed? { inode: integer?, bytes: string? } # The subvolume's side.

---A volume in memory; what is committed and logged waits for replay. Its functions can be called only in a test.
---@class treelog.TestVolume
local TestVolume = {}

---Puts an item into the subvolume.
---@param item string
---@param inode integer
---@param offset integer
---@param value table|string
function TestVolume:commit(item, inode, offset, value) end

---Puts an item into the log.
---@param item string
---@param inode integer
---@param offset integer
---@param value table|string
function TestVolume:log(item, inode, offset, value) end

---Puts a new file of the top directory into the log.
---@param name string
---@param inode integer
function TestVolume:log_file(name, inode) end

---Replays the log and commits the result. An error when the replay fails.
---@param policy? string
---@param options? table
---@return treelog.TestReport
function TestVolume:replay(policy, options) end

---An item of the subvolume.
---@param item string
---@param inode integer
---@param offset? integer
---@return table|string|nil
function TestVolume:get(item, inode, offset) end

---Names and inodes of a directory.
---@param path? string
---@return table<string, integer>?
function TestVolume:ls(path) end

---What a process function writes about the log.
---@param process string
---@param options? table
---@return string
function TestVolume:walk(process, options) end

---What a replay said.
---@class treelog.TestReport
---@field notes string[] # Of treelog.note.
---@field warnings string[] # Of treelog.warn.
---@field partial boolean # Whether something was left out.

---What is done to a volume, and what has to hold after a crash.
---@class treelog.WorkloadDefinition
---@field name string # Lower case letters, digits, - and _.
---@field doc? string # What it is about, in a sentence.
---@field volume? treelog.VolumeDefinition # The new volume.
---@field parameters? table<string, boolean|integer|number|string> # What `--set KEY=VALUE` can change, with defaults. All functions get them as their last argument.
---@field setup? (fun(fs: treelog.FileSystem, parameters: table)) # Runs first, and is made durable: no crash lies in it.
---@field run fun(fs: treelog.FileSystem, parameters: table) # What may be cut by a crash. The volume was mounted anew after `setup`.
---@field crashes? ("syncs"|"flushes") # Where the power goes: after each fsync and sync and at each mark, or after each flush of the device as well, in the middle of an fsync too.
---@field check? (fun(fs: treelog.FileSystem, crash: treelog.Crash, parameters: table)) # Judges the volume after a crash and the replay of its log. It may change the volume.

---A new volume.
---@class treelog.VolumeDefinition
---@field size? integer # In bytes; 128 MiB if not said.
---@field node_size? integer # Of a tree block, in bytes; as `treelog mkfs` has it if not said.
---@field sector_size? integer # In bytes; 4096 if not said.
---@field checksum? "crc32c"|"xxhash64"|"sha256"|"blake2b" # Of blocks and data.
---@field metadata? "single"|"dup" # How many copies of metadata there are; "dup" if not said.
---@field mixed? boolean # Whether data and metadata share block groups.
---@field features? string[] # As for `treelog mkfs`: `{ "^no-holes" }` is a volume without no-holes.
---@field label? string # The label.

---A mounted volume. Where a `file` is asked for, a path will do, or the number that `open` or `tmpfile` gave. Errors name operation, path and code: `unlink /a: ENOENT`. Its functions can be called only in setup and run of a workload, in check of a workload.
---@class treelog.FileSystem
local FileSystem = {}

---Makes an empty file; an error when there is the name.
---@param path string
---@param mode? integer
function FileSystem:create(path, mode) end

---Makes a directory.
---@param path string
---@param mode? integer
function FileSystem:mkdir(path, mode) end

---Makes a symbolic link to `target`.
---@param target string
---@param path string
function FileSystem:symlink(target, path) end

---Makes a special file.
---@param path string
---@param type "fifo"|"socket"|"character"|"block"
---@param major? integer
---@param minor? integer
---@param mode? integer
function FileSystem:mknod(path, type, major, minor, mode) end

---Gives a file one more name; also one that has none yet.
---@param file string|integer
---@param new string
function FileSystem:link(file, new) end

---Takes a name of a file away.
---@param path string
function FileSystem:unlink(path) end

---Removes an empty directory.
---@param path string
function FileSystem:rmdir(path) end

---Renames, over what has the new name; or exchanges the two, or is an error when there is the new name.
---@param old string
---@param new string
---@param how? "exchange"|"no_replace"
function FileSystem:rename(old, new, how) end

---Whether there is such a name. Symbolic links are not followed.
---@param path string
---@return boolean
function FileSystem:exists(path) end

---The names in a directory, by their bytes.
---@param path string
---@return string[]
function FileSystem:readdir(path) end

---The target of a symbolic link.
---@param path string
---@return string
function FileSystem:readlink(path) end

---What is known of an inode. Symbolic links are not followed.
---@param file string|integer
---@return treelog.Stat
function FileSystem:stat(file) end

---Opens a file; it lives until `close`, also without a name.
---@param path string
---@return integer
function FileSystem:open(path) end

---Makes and opens a file without a name in a directory.
---@param path string
---@param mode? integer
---@return integer
function FileSystem:tmpfile(path, mode) end

---Closes a file.
---@param file integer
function FileSystem:close(file) end

---Writes bytes, at 0 if no offset is said; a file that is there keeps the rest. One that is not there is made first, and stays, empty, when there is no room for the bytes.
---@param file string|integer
---@param bytes string
---@param offset? integer
function FileSystem:write(file, bytes, offset) end

---Writes at the end, as `write` does.
---@param file string|integer
---@param bytes string
function FileSystem:append(file, bytes) end

---Bytes of a file; without a count all to its end.
---@param file string|integer
---@param offset? integer
---@param count? integer
---@return string
function FileSystem:read(file, offset, count) end

---Makes a file shorter or longer.
---@param path string
---@param size integer
function FileSystem:truncate(path, size) end

---Reserves space for a range of a file, as fallocate does.
---@param path string
---@param offset integer
---@param count integer
---@param how? "keep_size"
function FileSystem:allocate(path, offset, count, how) end

---Makes a range a hole.
---@param path string
---@param offset integer
---@param count integer
function FileSystem:punch(path, offset, count) end

---Makes a range zeros with space reserved for it.
---@param path string
---@param offset integer
---@param count integer
---@param how? "keep_size"
function FileSystem:zero(path, offset, count, how) end

---Shares extents of a file with another; the whole file if no range is said.
---@param source string
---@param target string
---@param offset? integer
---@param count? integer
---@param target_offset? integer
function FileSystem:clone(source, target, offset, count, target_offset) end

---Sets the permissions: `tonumber("640", 8)`.
---@param path string
---@param mode integer
function FileSystem:chmod(path, mode) end

---Sets owner and group.
---@param path string
---@param uid integer
---@param gid integer
function FileSystem:chown(path, uid, gid) end

---Sets times, as tables or in seconds.
---@param path string
---@param atime treelog.Time|integer
---@param mtime treelog.Time|integer
function FileSystem:utimes(path, atime, mtime) end

---Has an empty file written in place, without checksums.
---@param path string
---@param on boolean
function FileSystem:set_nocow(path, on) end

---Sets an extended attribute.
---@param path string
---@param name string
---@param value string
---@param how? "create"|"replace"
function FileSystem:set_xattr(path, name, value, how) end

---The value of an extended attribute.
---@param path string
---@param name string
---@return string?
function FileSystem:get_xattr(path, name) end

---The names of extended attributes, by their bytes.
---@param path string
---@return string[]
function FileSystem:list_xattrs(path) end

---Removes an extended attribute.
---@param path string
---@param name string
function FileSystem:remove_xattr(path, name) end

---Has fs-verity protect the content of a file. There is a commit after each `commit_after` blocks of its hash tree, 4096 if not said.
---@param path string
---@param commit_after? integer
function FileSystem:enable_verity(path, commit_after) end

---By what fs-verity knows the content of a file, as `fsverity digest` says it: `sha256:` and 64 digits.
---@param path string
---@return string?
function FileSystem:verity_digest(path) end

---Makes an empty subvolume.
---@param path string
function FileSystem:subvolume(path) end

---Makes a snapshot of a subvolume.
---@param source string
---@param path string
---@param how? "read_only"
function FileSystem:snapshot(source, path, how) end

---Deletes a subvolume with all that is in it.
---@param path string
function FileSystem:delete_subvolume(path) end

---Begins to count the space of subvolumes, with full quotas: a full commit.
function FileSystem:enable_quotas() end

---Counts the space of subvolumes no more: a full commit.
function FileSystem:disable_quotas() end

---The quota groups, such as `0/5`; none where quotas are off.
---@return string[]
function FileSystem:quota_groups() end

---Makes a file or directory durable, through the log if it can.
---@param file string|integer
---@return treelog.SyncResult
function FileSystem:fsync(file) end

---Makes the content of a file durable.
---@param path string
---@return treelog.SyncResult
function FileSystem:fdatasync(path) end

---Makes everything durable: a full commit.
function FileSystem:sync() end

---Names this moment for `crash:after`. A crash is checked here, too. A name can be given once.
---
---Only in setup and run of a workload.
---@param name string
function FileSystem:mark(name) end

---Loses all that is not durable, and mounts the volume again. Open files are gone.
function FileSystem:crash() end

---Unmounts the volume and mounts it again. Open files are gone.
function FileSystem:remount() end

---All that can be seen of the volume, as lines of text.
---@return string
function FileSystem:state() end

---Puts an item of a plugin's type under an inode; `kind` is a number or an item type.
---@param path string
---@param kind integer|table
---@param offset integer
---@param bytes string
function FileSystem:put_item(path, kind, offset, bytes) end

---The bytes of an item under an inode.
---@param path string
---@param kind integer|table
---@param offset integer
---@return string?
function FileSystem:get_item(path, kind, offset) end

---Deletes an item.
---@param path string
---@param kind integer|table
---@param offset integer
function FileSystem:delete_item(path, kind, offset) end

---The offsets of the items of a type under an inode, ascending as unsigned numbers.
---@param path string
---@param kind integer|table
---@return integer[]
function FileSystem:items(path, kind) end

---Where the power went. Its functions can be called only in check of a workload.
---@class treelog.Crash
---@field operation integer # The number of the last operation of `run` that had returned; 0 for none.
---@field point string # The same in words: after fsync "/y".
local Crash = {}

---Whether `run` had passed this mark: what was synced before it must be there.
---@param mark string
---@return boolean
function Crash:after(mark) end

---Whether `run` had not come to this mark. Not every crash is after or before one in a loop.
---@param mark string
---@return boolean
function Crash:before(mark) end

---What is known of an inode.
---@class treelog.Stat
---@field inode integer # Its number in its subvolume.
---@field subvolume integer # The number of the subvolume.
---@field type string # file, directory, symlink, character, block, fifo, socket or unknown.
---@field size integer # In bytes.
---@field nbytes integer # That its extents take, in bytes.
---@field nlink integer # How many names it has.
---@field mode integer # Permissions, as 420.
---@field uid integer # The owner.
---@field gid integer # The group.
---@field rdev integer # Of a device node.
---@field flags integer # Bits of the inode item.
---@field atime treelog.Time # Of the last access.
---@field mtime treelog.Time # Of the last change of the content.
---@field ctime treelog.Time # Of the last change of the inode.
---@field otime treelog.Time # When it was made.

---What an fsync did.
---@class treelog.SyncResult
---@field outcome string # "logged", "full_commit", or "nothing" where all was durable.
---@field reason? treelog.ReasonWord # Why it took a full commit.
---@field bytes integer # That it wrote to the device.

