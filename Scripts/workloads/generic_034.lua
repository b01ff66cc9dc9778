return treelog.workload {
  name = "generic_034",
  doc = "A directory with committed and logged entries has the right size, and can be removed when it is empty.",
  setup = function(fs) fs:mkdir "/d"; fs:create "/d/old" end,
  run = function(fs)
    fs:create "/d/new"
    fs:fsync "/d"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "new", "old" })
    fs:unlink "/d/new"; fs:unlink "/d/old"
    treelog.expect_equal(fs:stat("/d").size, 0)
    fs:rmdir "/d"
  end,
}
