local function record(seconds, text) return { at = { seconds = seconds, nanoseconds = 0 }, uid = 1000, text = text } end

local function texts(item)
  local list = {}
  for i, r in ipairs(item.records) do list[i] = r.text end
  return table.concat(list, " ")
end

return {
  ["records of both sides stay, in order, each once"] = function(t)
    local logged = { records = { record(1, "open"), record(3, "write") } }
    local committed = { records = { record(1, "open"), record(2, "chmod"), record(4, "close") } }
    local word, merged = t:resolve("AUDIT", logged, committed)
    treelog.expect_equal(word, "merge")
    treelog.expect_equal(texts(merged), "open chmod write close")
    local _, other = t:resolve("AUDIT", committed, logged)
    treelog.expect_equal(other, merged)
  end,

  ["records out of order are refused"] = function(t)
    local ok, reason = t:validate("AUDIT", { records = { record(2, "b"), record(1, "a") } })
    treelog.expect(not ok)
    treelog.expect_equal(reason, "record 2 is out of order")
  end,

  ["an older log takes nothing away"] = function(t)
    local v = t:volume()
    v:commit("AUDIT", 257, 1, { records = { record(1, "a"), record(2, "b") } })
    v:commit("AUDIT", 257, 2, { records = { record(3, "c") } })
    v:log("AUDIT", 257, 1, { records = { record(1, "a") } })
    v:replay()
    treelog.expect_equal(texts(v:get("AUDIT", 257, 1)), "a b")
    treelog.expect_equal(texts(v:get("AUDIT", 257, 2)), "c")
  end,

  ["damaged records stop a replay with audit-safe"] = function(t)
    local word, reason = t:decide("audit-safe", "damaged_item", { inode = 257, key = treelog.key(257, 100, 0) })
    treelog.expect_equal(word, "stop")
    treelog.expect(reason:find("audit records of inode 257", 1, true))
  end,
}
