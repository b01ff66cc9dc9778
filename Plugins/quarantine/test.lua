return {
  ["the loser moves to lost+found"] = function(t)
    local v = t:volume()
    v:log_file("file", 300)
    v:replay()
    treelog.expect_equal(v:ls()["file"], 300)
    treelog.expect_equal(v:ls "lost+found", { ["file.257"] = 257 })
  end,

  ["a second loser goes into the same folder"] = function(t)
    local v = t:volume()
    v:log_file("file", 300)
    v:replay()
    v:log_file("file", 301)
    v:replay()
    treelog.expect_equal(v:ls "lost+found", { ["file.257"] = 257, ["file.300"] = 300 })
  end,

  ["without a conflict there is no folder"] = function(t)
    local v = t:volume()
    v:log_file("other", 300)
    v:replay()
    treelog.expect_equal(v:ls(), { ["file"] = 257, ["other"] = 300 })
  end,

  ["it is told"] = function(t)
    local v = t:volume()
    v:log_file("file", 300)
    treelog.expect(v:replay().notes[1]:find("inode 257 lost the name", 1, true))
  end,
}
