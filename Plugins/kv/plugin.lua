-- Values by key under an inode: of two writes of a key the one of the later generation stands.
-- An item holds all pairs whose keys have one hash, which is the offset of the item; mostly that is one.
local array, bytes, u16, u64 = treelog.array, treelog.bytes, treelog.u16, treelog.u64

local kv
kv = treelog.item_type {
  name = "KV", kind = 99, optional = true, stage = "all",
  doc = "Pairs of key and value. The offset is treelog.name_hash(key).",
  fields = {
    array "pairs" {
      of = {
        u64 "generation" { doc = "the transaction that wrote it" },
        u16 "key_length", u16 "value_length",
        bytes "key" { count = "key_length", format = "text" },
        bytes "value" { count = "value_length", format = "text" },
      },
    },
  },
  describe = function(item)
    local texts = {}
    for _, pair in ipairs(item.pairs) do
      texts[#texts + 1] = ("%s = %s (generation %s)"):format(
        pair.key, pair.value, treelog.u64_string(pair.generation))
    end
    return table.concat(texts, ", ")
  end,
  validate = function(item)
    for _, pair in ipairs(item.pairs) do
      if treelog.name_hash(pair.key) ~= item.offset then
        return false, ("the key %q does not belong under offset %d"):format(pair.key, item.offset)
      end
    end
  end,
  resolve = function(logged, committed)
    local newest = {}
    for _, side in ipairs { committed, logged } do
      for _, pair in ipairs(side.pairs) do
        local other = newest[pair.key]
        -- Generations are unsigned. In the same one the log was written last.
        if not other or not math.ult(pair.generation, other.generation) then newest[pair.key] = pair end
      end
    end
    local merged = {}
    for _, pair in pairs(newest) do merged[#merged + 1] = pair end
    table.sort(merged, function(a, b) return a.key < b.key end)
    return "merge", kv:encode { pairs = merged }
  end,
}

return treelog.plugin {
  name = "kv", version = "1.0.0", api = 1,
  summary = "Key-value pairs under an inode; the last writer wins.",
  items = { kv },
}
