---@meta treelog
-- Made by treelog from its table of the API; not to be changed by hand.

---@alias treelog.u64 integer # above 2^63-1 it shows as negative: compare with math.ult
---@alias treelog.ConflictWord "inode_item"|"name"|"index"|"back_reference"|"deleted_name"|"xattr"|"extent"|"checksum_range"|"custom_item"|"missing_inode"|"missing_parent"|"damaged_item"
---@alias treelog.ResolutionWord "take"|"keep"|"keep_both"|"merge"|"skip"|"skip_inode"|"stop"
---@alias treelog.FilterWord "continue"|"ignore"|"ignore_inode"|"stop"|"replace"
---@alias treelog.HandlerWord "done"|"skip"|"skip_inode"|"stop"

---A field of an item type; call it with a table for more: `u32 "flags" { format = "hex" }`.
---@class treelog.Field
---@overload fun(options: treelog.FieldOptions): treelog.Field

---@class treelog.Plugin
---@class treelog.Policy
---@class treelog.Process

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

---Fails the test when a value is false or nil.
---
---Only in a test.
---@param value any
---@param message? string
function treelog.expect(value, message) end

---Fails the test when two values differ; tables are compared by what is in them.
---
---Only in a test.
---@param value any
---@param expected any
---@param message? string
function treelog.expect_equal(value, expected, message) end

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

---What the replay function of an item type works with.
---@class treelog.Context
---@field subvolume integer # The number of the subvolume.
---@field stage string # The pass of the replay.
---@field generation integer # The transaction that the replay commits.
local Context = {}

---An item of the subvolume.
---
---Only in a replay function.
---@param key treelog.Key|treelog.Item
---@return string?
function Context:committed(key) end

---An item of the log.
---
---Only in a replay function.
---@param key treelog.Key|treelog.Item
---@return string?
function Context:logged(key) end

---All items of a kind that an object has in the subvolume.
---
---Only in a replay function.
---@param objectid integer
---@param kind integer
---@return treelog.StoredItem[]
function Context:committed_items(objectid, kind) end

---All items of a kind that an object has in the log.
---
---Only in a replay function.
---@param objectid integer
---@param kind integer
---@return treelog.StoredItem[]
function Context:logged_items(objectid, kind) end

---Whether the subvolume has the inode.
---
---Only in a replay function.
---@param inode integer
---@return boolean
function Context:exists(inode) end

---The inode item of the subvolume.
---
---Only in a replay function.
---@param inode integer
---@return treelog.Inode?
function Context:inode(inode) end

---The path of an inode as it is now.
---
---Only in a replay function.
---@param inode integer
---@return string?
function Context:path(inode) end

---The inode that has a name in a directory.
---
---Only in a replay function.
---@param directory integer
---@param name string
---@return integer?
function Context:lookup(directory, name) end

---The names of an inode.
---
---Only in a replay function.
---@param inode integer
---@return treelog.Name[]
function Context:names(inode) end

---Puts an item into the subvolume, with its own content or another.
---
---Only in a replay function.
---@param item treelog.Item|treelog.Key
---@param bytes? string
function Context:put(item, bytes) end

---Removes an item.
---
---Only in a replay function.
---@param key treelog.Key|treelog.Item
---@return boolean
function Context:remove(key) end

---Has the item replayed as if the type had no replay function.
---
---Only in a replay function.
---@param item treelog.Item
---@param bytes? string
function Context:native(item, bytes) end

---Gives an inode a name. False: the directory has it already.
---
---Only in a replay function.
---@param directory integer
---@param name string
---@param inode integer
---@return boolean
function Context:link(directory, name, inode) end

---Takes a name from an inode.
---
---Only in a replay function.
---@param directory integer
---@param name string
---@param inode integer
function Context:unlink(directory, name, inode) end

---Has the links of an inode counted at the end.
---
---Only in a replay function.
---@param inode integer
function Context:fix_up(inode) end

---Puts a line into the report.
---
---Only in a replay function.
---@param format string
---@param ... any
function Context:note(format, ...) end

---Puts a warning into the report.
---
---Only in a replay function.
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

---What a test is given. Item types and policies go by their names.
---@class treelog.Test
local Test = {}

---The bytes of an item of this type.
---
---Only in a test.
---@param item string
---@param values table
---@return string
function Test:encode(item, values) end

---The values of an item of this type.
---
---Only in a test.
---@param item string
---@param bytes string
---@return table
function Test:decode(item, bytes) end

---What `describe` says of an item.
---
---Only in a test.
---@param item string
---@param value table|string
---@param inode? integer
---@param offset? integer
---@return string
function Test:describe(item, value, inode, offset) end

---Whether an item is right, or why not.
---
---Only in a test.
---@param item string
---@param value table|string
---@param inode? integer
---@param offset? integer
---@return boolean, string?
function Test:validate(item, value, inode, offset) end

---What `resolve` of the type answers; merged items as tables.
---
---Only in a test.
---@param item string
---@param logged table|string
---@param committed table|string
---@param inode? integer
---@param offset? integer
---@return treelog.ResolutionWord?, any
function Test:resolve(item, logged, committed, inode, offset) end

---What a policy answers to a conflict; nil: as its base.
---
---Only in a test.
---@param policy string
---@param kind treelog.ConflictWord
---@param conflict treelog.TestConflict
---@param options? table
---@return treelog.ResolutionWord?, any
function Test:decide(policy, kind, conflict, options) end

---A volume in memory with one file: `file`, inode 257.
---
---Only in a test.
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

---A volume in memory; what is committed and logged waits for replay.
---@class treelog.TestVolume
local TestVolume = {}

---Puts an item into the subvolume.
---
---Only in a test.
---@param item string
---@param inode integer
---@param offset integer
---@param value table|string
function TestVolume:commit(item, inode, offset, value) end

---Puts an item into the log.
---
---Only in a test.
---@param item string
---@param inode integer
---@param offset integer
---@param value table|string
function TestVolume:log(item, inode, offset, value) end

---Puts a new file of the top directory into the log.
---
---Only in a test.
---@param name string
---@param inode integer
function TestVolume:log_file(name, inode) end

---Replays the log and commits the result. An error when the replay fails.
---
---Only in a test.
---@param policy? string
---@param options? table
---@return treelog.TestReport
function TestVolume:replay(policy, options) end

---An item of the subvolume.
---
---Only in a test.
---@param item string
---@param inode integer
---@param offset? integer
---@return table|string|nil
function TestVolume:get(item, inode, offset) end

---Names and inodes of a directory.
---
---Only in a test.
---@param path? string
---@return table<string, integer>?
function TestVolume:ls(path) end

---What a process function writes about the log.
---
---Only in a test.
---@param process string
---@param options? table
---@return string
function TestVolume:walk(process, options) end

---What a replay said.
---@class treelog.TestReport
---@field notes string[] # Of treelog.note.
---@field warnings string[] # Of treelog.warn.
---@field partial boolean # Whether something was left out.

