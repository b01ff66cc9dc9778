return treelog.workload {
  name = "generic_348",
  doc = "A new symbolic link has its target after the fsync of its directory.",
  setup = function(fs) fs:mkdir "/d" end,
  run = function(fs)
    fs:symlink("/some/where", "/d/link")
    fs:fsync "/d"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readlink "/d/link", "/some/where")
  end,
}
