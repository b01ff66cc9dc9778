local function member(name, added, removed) return { name = name, added = added, removed = removed or 0 } end

-- The names that are in a set.
local function names(set)
  local list = {}
  for _, m in ipairs(set.members) do
    if m.added > m.removed then list[#list + 1] = m.name end
  end
  return table.concat(list, " ")
end

local left = { members = { member("a", 1), member("b", 1, 1), member("c", 1) } }
local right = { members = { member("a", 1, 1), member("b", 1), member("d", 2, 1) } }

return {
  ["additions and removals of both sides count"] = function(t)
    local word, merged = t:resolve("SET", left, right)
    treelog.expect_equal(word, "merge")
    treelog.expect_equal(names(merged), "c d")
  end,

  ["it does not matter which side is which"] = function(t)
    local _, one = t:resolve("SET", left, right)
    local _, other = t:resolve("SET", right, left)
    treelog.expect_equal(t:encode("SET", one), t:encode("SET", other))
  end,

  ["a merge with the result changes nothing"] = function(t)
    local _, once = t:resolve("SET", left, right)
    local _, twice = t:resolve("SET", right, once)
    treelog.expect_equal(once, twice)
  end,

  ["members out of order are refused"] = function(t)
    local ok, reason = t:validate("SET", { members = { member("b", 1), member("a", 1) } })
    treelog.expect(not ok)
    treelog.expect_equal(reason, "members are not in order")
  end,

  ["a replay merges"] = function(t)
    local v = t:volume()
    v:commit("SET", 257, 0, left)
    v:log("SET", 257, 0, right)
    v:replay()
    treelog.expect_equal(names(v:get("SET", 257, 0)), "c d")
    treelog.expect_equal(t:describe("SET", v:get("SET", 257, 0)), "{c, d}")
  end,
}
