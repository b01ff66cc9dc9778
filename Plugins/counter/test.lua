return {
  ["both sides' increments are kept"] = function(t)
    local word, merged = t:resolve("COUNTER", { base = 4, value = 9 }, { base = 0, value = 10 })
    treelog.expect_equal(word, "merge")
    treelog.expect_equal(merged, { base = 10, value = 15 })
  end,

  ["a counter can go down"] = function(t)
    local _, merged = t:resolve("COUNTER", { base = 5, value = 2 }, { base = 0, value = 6 })
    treelog.expect_equal(merged.value, 3)
  end,

  ["a new counter is copied from the log"] = function(t)
    local v = t:volume()
    v:log("COUNTER", 257, 0, { base = 0, value = 7 })
    v:replay()
    treelog.expect_equal(v:get("COUNTER", 257, 0), { base = 0, value = 7 })
  end,

  ["a replay merges"] = function(t)
    local v = t:volume()
    v:commit("COUNTER", 257, 0, { base = 0, value = 10 })
    v:log("COUNTER", 257, 0, { base = 4, value = 9 })
    v:replay()
    treelog.expect_equal(v:get("COUNTER", 257, 0).value, 15)
  end,

  ["it is shown with its base"] = function(t)
    treelog.expect_equal(t:describe("COUNTER", { base = 1, value = -2 }), "-2 (from 1)")
  end,
}
