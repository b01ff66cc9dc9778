local function item(...) return { pairs = { ... } } end
local function pair(key, value, generation) return { key = key, value = value, generation = generation } end

return {
  ["the later generation wins, whichever side has it"] = function(t)
    local old, new = item(pair("color", "red", 7)), item(pair("color", "blue", 9))
    local _, merged = t:resolve("KV", new, old)
    treelog.expect_equal(merged.pairs[1].value, "blue")
    _, merged = t:resolve("KV", old, new)
    treelog.expect_equal(merged.pairs[1].value, "blue")
  end,

  ["in one generation the log wins"] = function(t)
    local _, merged = t:resolve("KV", item(pair("a", "logged", 7)), item(pair("a", "committed", 7)))
    treelog.expect_equal(merged.pairs[1].value, "logged")
  end,

  ["generations are unsigned"] = function(t)
    local _, merged = t:resolve("KV", item(pair("a", "huge", -1)), item(pair("a", "small", 1)))
    treelog.expect_equal(merged.pairs[1].value, "huge")
  end,

  ["keys with the same hash stay together"] = function(t)
    local _, merged = t:resolve("KV", item(pair("b", "2", 8)), item(pair("a", "1", 7)))
    treelog.expect_equal(#merged.pairs, 2)
    treelog.expect_equal(merged.pairs[1].key, "a")
  end,

  ["a key under another's hash is refused"] = function(t)
    treelog.expect(not t:validate("KV", item(pair("a", "1", 7)), 257, 12345))
    treelog.expect(t:validate("KV", item(pair("a", "1", 7)), 257, treelog.name_hash "a"))
  end,

  ["a replay brings the newer value"] = function(t)
    local v, place = t:volume(), treelog.name_hash "color"
    v:commit("KV", 257, place, item(pair("color", "red", 7)))
    v:log("KV", 257, place, item(pair("color", "blue", 8)))
    v:replay()
    treelog.expect_equal(v:get("KV", 257, place).pairs[1].value, "blue")
  end,
}
