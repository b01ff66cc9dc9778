local conflict = { name = "notes", inode = 300, logged = { inode = 300 }, committed = { inode = 257 } }

return {
  ["it stops, with both sides"] = function(t)
    local word, reason = t:decide("paranoid", "name", conflict)
    treelog.expect_equal(word, "stop")
    treelog.expect(reason:find("inode 300", 1, true) and reason:find("inode 257", 1, true), reason)
  end,

  ["every kind of conflict is decided"] = function(t)
    for _, kind in ipairs {
      "inode_item", "name", "index", "back_reference", "deleted_name", "xattr", "extent", "checksum_range",
      "custom_item", "missing_inode", "missing_parent", "damaged_item",
    } do
      treelog.expect_equal((t:decide("paranoid", kind, {}, { all = true })), "stop", kind)
    end
  end,

  ["a changed inode is none unless all is set"] = function(t)
    treelog.expect_equal(t:decide("paranoid", "inode_item", {}), nil)
  end,

  ["a replay with a conflict fails"] = function(t)
    local v = t:volume()
    v:log_file("file", 300)
    local ok, message = pcall(v.replay, v, "paranoid")
    treelog.expect(not ok)
    treelog.expect(tostring(message):find("name", 1, true))
  end,

  ["a replay without one does not"] = function(t)
    local v = t:volume()
    v:log_file("other", 300)
    v:replay("paranoid")
    treelog.expect_equal(v:ls()["other"], 300)
  end,
}
