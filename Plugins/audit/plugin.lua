-- Records that are only ever added: no conflict loses one, no replay changes one.
local array, bytes, time, u16, u32 = treelog.array, treelog.bytes, treelog.time, treelog.u16, treelog.u32

-- Records have an order of their own, so that both sides write the same bytes.
local function is_before(a, b)
  if a.at.seconds ~= b.at.seconds then return a.at.seconds < b.at.seconds end
  if a.at.nanoseconds ~= b.at.nanoseconds then return a.at.nanoseconds < b.at.nanoseconds end
  if a.uid ~= b.uid then return a.uid < b.uid end
  return a.text < b.text
end

-- All records of both lists, each once. Both are in order.
local function union(left, right)
  local all, i, j = {}, 1, 1
  while left[i] or right[j] do
    if not right[j] or (left[i] and is_before(left[i], right[j])) then
      all[#all + 1], i = left[i], i + 1
    else
      if left[i] and not is_before(right[j], left[i]) then i = i + 1 end
      all[#all + 1], j = right[j], j + 1
    end
  end
  return all
end

local audit
audit = treelog.item_type {
  name = "AUDIT", kind = 100, optional = true, stage = "all",
  doc = "Who did what to the inode, and when. The offset is the number of the page.",
  fields = {
    array "records" { of = { time "at", u32 "uid", u16 "length", bytes "text" { count = "length", format = "text" } } },
  },
  describe = function(item)
    local lines = {}
    for _, record in ipairs(item.records) do
      lines[#lines + 1] = ("%d uid %d: %s"):format(record.at.seconds, record.uid, record.text)
    end
    return table.concat(lines, "; ")
  end,
  validate = function(item)
    local records = item.records
    for i = 2, #records do
      if not is_before(records[i - 1], records[i]) then return false, ("record %d is out of order"):format(i) end
    end
  end,
  resolve = function(logged, committed)
    return "merge", audit:encode { records = union(committed.records, logged.records) }
  end,
}

-- A policy that leaves items out must not leave out these: whoever uses it decides, but is told.
local keeper = treelog.replay_policy {
  name = "audit-safe", base = "salvage",
  doc = "Like salvage, but never without an inode's records: stops where salvage would skip such an inode.",
  resolve = {
    damaged_item = function(conflict)
      if conflict.key.kind == audit.kind then
        return "stop", ("the audit records of inode %d are damaged"):format(conflict.inode)
      end
    end,
  },
}

return treelog.plugin {
  name = "audit", version = "1.0.0", api = 1,
  summary = "Append-only records that survive replay.",
  items = { audit }, policies = { keeper },
}
