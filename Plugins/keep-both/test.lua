local conflict = { name = "notes", logged = { inode = 300 }, committed = { inode = 257 } }

return {
  ["the committed file gets another name"] = function(t)
    local word, name = t:decide("keep-both", "name", conflict)
    treelog.expect_equal(word, "keep_both")
    treelog.expect_equal(name, "notes.conflict-257")
  end,

  ["the suffix can be set"] = function(t)
    local _, name = t:decide("keep-both", "name", conflict, { suffix = "~" })
    treelog.expect_equal(name, "notes~-257")
  end,

  ["a long name is cut"] = function(t)
    local long = { name = ("x"):rep(255), committed = { inode = 257 } }
    local _, name = t:decide("keep-both", "name", long)
    treelog.expect_equal(#name, 255)
    treelog.expect(name:find("%.conflict%-257$"))
  end,

  ["after a replay both files are there"] = function(t)
    local v = t:volume()
    v:log_file("file", 300)
    v:replay("keep-both")
    treelog.expect_equal(v:ls(), { ["file"] = 300, ["file.conflict-257"] = 257 })
  end,

  ["without the policy the log wins"] = function(t)
    local v = t:volume()
    v:log_file("file", 300)
    v:replay()
    treelog.expect_equal(v:ls(), { ["file"] = 300 })
  end,
}
