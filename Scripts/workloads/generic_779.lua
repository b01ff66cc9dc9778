return treelog.workload {
  name = "generic_779",
  doc = "A symbolic link that was renamed has the new name only, and its target.",
  setup = function(fs) fs:mkdir "/d"; fs:symlink("target", "/d/old") end,
  run = function(fs)
    fs:rename("/d/old", "/d/new")
    fs:fsync "/d"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "new" })
    treelog.expect_equal(fs:readlink "/d/new", "target")
  end,
}
