-- A set of names that two sides can change at once.
-- A member is in the set when it was added more often than removed; a merge takes the larger of each count, which is
-- commutative, associative and gives the same when it is done twice.
local array, bytes, u16, u32 = treelog.array, treelog.bytes, treelog.u16, treelog.u32

local function by_name(members)
  local found = {}
  for _, member in ipairs(members) do found[member.name] = member end
  return found
end

-- Every side's order is the same, so that equal sets are equal bytes.
local function sorted(found)
  local members = {}
  for _, member in pairs(found) do members[#members + 1] = member end
  table.sort(members, function(a, b) return a.name < b.name end)
  return members
end

local set
set = treelog.item_type {
  name = "SET", kind = 98, optional = true, stage = "all",
  doc = "Names, each with the number of times it was added and removed.",
  fields = {
    array "members" {
      of = { u32 "added", u32 "removed", u16 "length", bytes "name" { count = "length", format = "text" } },
    },
  },
  describe = function(item)
    local names = {}
    for _, member in ipairs(item.members) do
      if member.added > member.removed then names[#names + 1] = member.name end
    end
    return "{" .. table.concat(names, ", ") .. "}"
  end,
  validate = function(item)
    local last
    for _, member in ipairs(item.members) do
      if last and member.name <= last then return false, "members are not in order" end
      last = member.name
    end
  end,
  resolve = function(logged, committed)
    local found = by_name(committed.members)
    for _, member in ipairs(logged.members) do
      local other = found[member.name] or { added = 0, removed = 0 }
      found[member.name] = {
        added = math.max(member.added, other.added), removed = math.max(member.removed, other.removed),
        name = member.name,
      }
    end
    return "merge", set:encode { members = sorted(found) }
  end,
}

return treelog.plugin {
  name = "set", version = "1.0.0", api = 1,
  summary = "Sets that merge.",
  items = { set },
}
