return {
  ["items are counted by type"] = function(t)
    local v = t:volume()
    v:log_file("one", 300)
    v:log_file("two", 301)
    local text = v:walk("log-stats", { format = "csv" })
    treelog.expect(text:find("5,INODE_ITEM,2,320,160", 1, true), text)
    treelog.expect(text:find("5,INODE_REF,2,26,13", 1, true), text)
  end,

  ["blocks are counted"] = function(t)
    local v = t:volume()
    v:log_file("one", 300)
    treelog.expect(v:walk("log-stats"):find("2 leaves, 0 nodes", 1, true))
  end,

  ["an unknown format is an error"] = function(t)
    local v = t:volume()
    treelog.expect(not pcall(v.walk, v, "log-stats", { format = "xml" }))
  end,
}
