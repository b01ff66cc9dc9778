-- Files that lose their name in a replay move to lost+found instead of being deleted.
-- The plugin wraps the replay of INODE_REF items: before a name goes to another inode, its holder gets a second one.

local root = 256                                     -- the top directory of every subvolume
local name_of_folder = "lost+found"

-- The names in an INODE_REF item: index (8 bytes), length (2 bytes), name.
local function names_in(item)
  local at = 0
  return function()
    if at >= item.size then return nil end
    local length = item:u16(at + 8)
    local name = item:bytes(at + 10, length)
    at = at + 10 + length
    return name
  end
end

-- The first free number of an inode from `inode` on.
local function free_inode(context, inode)
  while context:exists(inode) do inode = inode + 1 end
  return inode
end

-- Makes lost+found, with the owner and the times of the file that is moved there first.
local function make_folder(context, like)
  local folder = free_inode(context, like.objectid + 1)
  local directory, no_time = 0x4000, { seconds = 0, nanoseconds = 0 }
  local time = like.ctime or no_time
  local bytes = string.pack("<I8I8I8I8I8I4I4I4I4I8I8I8", context.generation, context.generation, 0, 0, 0, 1,
    0, 0, directory | 448 --[[ rwx------ ]], 0, 0, 0) .. ("\0"):rep(32)
    .. string.pack("<i8I4", time.seconds, time.nanoseconds):rep(4)
  context:put(treelog.key(folder, treelog.kinds.INODE_ITEM), bytes)
  context:link(root, name_of_folder, folder)
  return folder
end

local function move(context, loser, name)
  local inode = context:inode(loser)
  local folder = context:lookup(root, name_of_folder) or make_folder(context, inode)
  local suffix = (".%d"):format(loser)
  local new_name = name:sub(1, 255 - #suffix) .. suffix
  if context:link(folder, new_name, loser) then
    context:note("%s: inode %d lost the name and is %s/%s now", name, loser, name_of_folder, new_name)
  end
end

-- Whether the inode is a file that has no other name, and gets none from the log.
local function would_be_deleted(context, inode)
  local item = context:inode(inode)
  return item and item.type ~= "directory" and #context:names(inode) == 1
    and not context:logged(treelog.key(inode, treelog.kinds.INODE_ITEM))
end

local names = treelog.item_type {
  name = "INODE_REF", kind = "INODE_REF", override = true,
  doc = "Names of an inode in one directory; losers of a name move to lost+found.",
  replay = function(item, context)
    local directory = item.offset
    for name in names_in(item) do
      local holder = context:lookup(directory, name)
      if holder and holder ~= item.objectid and would_be_deleted(context, holder) then move(context, holder, name) end
    end
    context:native(item)
  end,
}

return treelog.plugin {
  name = "quarantine", version = "1.0.0", api = 1,
  summary = "Losers of a name move to lost+found.",
  items = { names },
}
