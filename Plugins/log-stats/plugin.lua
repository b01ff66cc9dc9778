-- What is in a log, by subvolume and type: how many items, and how many bytes.
local function new(options)
  return { format = options.format, nodes = 0, leaves = 0, rows = {}, order = {} }
end

local function row(state, item)
  local id = ("%d %s"):format(item.subvolume, item.type)
  local found = state.rows[id]
  if not found then
    found = { subvolume = item.subvolume, type = item.type, kind = item.kind, items = 0, bytes = 0, largest = 0 }
    state.rows[id] = found
    state.order[#state.order + 1] = found
  end
  return found
end

local printers = {}

function printers.text(state)
  treelog.write(("%9s  %-16s %8s %10s %8s\n"):format("subvolume", "type", "items", "bytes", "largest"))
  for _, r in ipairs(state.order) do
    treelog.write(("%9d  %-16s %8d %10d %8d\n"):format(r.subvolume, r.type, r.items, r.bytes, r.largest))
  end
  treelog.write(("%d leaves, %d nodes\n"):format(state.leaves, state.nodes))
end

function printers.csv(state)
  treelog.write(treelog.csv { "subvolume", "type", "items", "bytes", "largest" })
  for _, r in ipairs(state.order) do
    treelog.write(treelog.csv { r.subvolume, r.type, r.items, r.bytes, r.largest })
  end
end

function printers.json(state)
  treelog.write(treelog.json { leaves = state.leaves, nodes = state.nodes, types = state.order }, "\n")
end

local log_stats = treelog.process {
  name = "log-stats",
  doc = "Counts items and bytes by subvolume and type.",
  options = { format = "text" },                     -- or csv, json
  begin = function(options)
    if not printers[options.format] then error("log-stats.format must be text, csv or json") end
    return new(options)
  end,
  block = function(block, state)
    if block.level == 0 then state.leaves = state.leaves + 1 else state.nodes = state.nodes + 1 end
  end,
  item = function(item, state)
    if item.type == "ROOT_ITEM" then return end      -- of the tree of log trees
    local r = row(state, item)
    r.items, r.bytes, r.largest = r.items + 1, r.bytes + item.size, math.max(r.largest, item.size)
  end,
  finish = function(state)
    table.sort(state.order, function(a, b)
      if a.subvolume ~= b.subvolume then return math.ult(a.subvolume, b.subvolume) end
      return a.kind < b.kind
    end)
    printers[state.format](state)
  end,
}

return treelog.plugin {
  name = "log-stats", version = "1.0.0", api = 1,
  summary = "Statistics of a log.",
  processes = { log_stats },
}
