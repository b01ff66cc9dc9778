return treelog.workload {
  name = "generic_348",
  doc = "A new symbolic link has its target after the fsync of its directory, be that new or not.",
  setup = function(fs) fs:mkdir "/old" end,
  run = function(fs)
    fs:symlink("/some/where", "/old/link")
    fs:fsync "/old"
    fs:mark "old"
    fs:mkdir "/new"
    fs:symlink("/else/where", "/new/link")
    fs:fsync "/new"
    fs:mark "new"
  end,
  check = function(fs, crash)
    if crash:after "old" then treelog.expect_equal(fs:readlink "/old/link", "/some/where") end
    if crash:after "new" then treelog.expect_equal(fs:readlink "/new/link", "/else/where") end
  end,
}
