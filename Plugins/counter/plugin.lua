-- A counter that loses no increment when log and volume disagree.
-- Each writer stores the value and the value it started from; a merge adds up what both sides added.
local i64 = treelog.i64

local counter
counter = treelog.item_type {
  name = "COUNTER", kind = 97, optional = true, stage = "all",
  doc = "A value and the value it was based on.",
  fields = { i64 "base", i64 "value" },
  describe = function(item) return ("%d (from %d)"):format(item.value, item.base) end,
  resolve = function(logged, committed)
    -- The same bytes never get here: they are no conflict.
    local added = logged.value - logged.base
    return "merge", counter:encode { base = committed.value, value = committed.value + added }
  end,
}

return treelog.plugin {
  name = "counter", version = "1.0.0", api = 1,
  summary = "Counters that merge.",
  items = { counter },
}
