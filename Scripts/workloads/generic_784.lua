return treelog.workload {
  name = "generic_784",
  doc = "A directory moves, a file takes its name and moves too: each is in one place.",
  setup = function(fs)
    fs:mkdir "/a"; fs:mkdir "/b"; fs:mkdir "/a/x"; fs:create "/a/x/inside"; fs:mkdir "/c"
  end,
  run = function(fs)
    fs:rename("/a/x", "/b/x")
    fs:write("/a/x", "file")
    fs:fsync "/a/x"
    fs:rename("/a/x", "/c/x")
    fs:fsync "/c/x"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/c/x", "file")
    treelog.expect_equal(fs:readdir "/a", {})
    treelog.expect_equal(fs:readdir "/b/x", { "inside" })
  end,
}
