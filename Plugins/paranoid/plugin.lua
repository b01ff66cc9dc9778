-- Nothing is lost without being asked: any conflict stops the replay, with a report of both sides.

local function side(view)
  if not view then return "nothing" end
  return ("inode %s, %d bytes: %s"):format(treelog.u64_string(view.inode), view.size, treelog.hex(view:bytes(0,
    math.min(view.size, 32))))
end

local function report(conflict)
  local lines = {
    ("%s: %s"):format(conflict.kind, conflict.reason),
    "  path       " .. (conflict.path or "(no path)"),
    "  key        " .. treelog.key_string(conflict.key),
    "  logged     " .. side(conflict.logged),
    "  committed  " .. side(conflict.committed),
    "  Linux      would answer '" .. conflict.mainline .. "'",
  }
  return table.concat(lines, "\n")
end

local function stop(conflict) return "stop", report(conflict) end

-- What every log of a changed file has: its inode item and its extents are newer than the volume's.
local function stop_if_all(conflict, options)
  if options.all then return stop(conflict) end
end

local paranoid = treelog.replay_policy {
  name = "paranoid", base = "strict",
  doc = "Stops at any conflict; changed inodes and extents are conflicts only with all = true.",
  options = { all = false },
  resolve = {
    name = stop, index = stop, back_reference = stop, deleted_name = stop, xattr = stop, checksum_range = stop,
    custom_item = stop, missing_inode = stop, missing_parent = stop, damaged_item = stop,
    inode_item = stop_if_all, extent = stop_if_all,
  },
}

return treelog.plugin {
  name = "paranoid", version = "1.0.0", api = 1,
  summary = "Stops at any conflict, with a report.",
  policies = { paranoid },
}
