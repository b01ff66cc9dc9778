-- The bytes of an inode item with this change time.
local function inode(seconds, nanoseconds)
  return ("\0"):rep(124) .. string.pack("<i8I4", seconds, nanoseconds or 0) .. ("\0"):rep(24)
end

local function decide(t, logged, committed)
  return t:decide("newest-wins", "inode_item", {
    inode = 257, key = treelog.key(257, "INODE_ITEM", 0),
    logged = { bytes = logged }, committed = { bytes = committed },
  })
end

return {
  ["an inode that was changed later is left alone"] = function(t)
    treelog.expect_equal(decide(t, inode(100), inode(101)), "skip_inode")
    treelog.expect_equal(decide(t, inode(100, 1), inode(100, 2)), "skip_inode")
  end,

  ["else the log wins"] = function(t)
    treelog.expect_equal(decide(t, inode(101), inode(100)), nil)
    treelog.expect_equal(decide(t, inode(100), inode(100)), nil)
  end,

  ["the younger file has the name"] = function(t)
    local function name(logged, committed)
      return (t:decide("newest-wins", "name", {
        name = "a", logged = { inode = logged }, committed = { inode = committed },
      }))
    end
    treelog.expect_equal(name(300, 257), "take")
    treelog.expect_equal(name(257, 300), "keep")
  end,

  ["a replay gives a new file the name"] = function(t)
    local v = t:volume()
    v:log_file("file", 300)
    v:replay("newest-wins")
    treelog.expect_equal(v:ls(), { ["file"] = 300 })
  end,
}
