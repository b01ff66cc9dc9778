return treelog.workload {
  name = "generic_557",
  doc = "A file that was logged and then unlinked is not back after the fsync of its directory.",
  setup = function(fs) fs:mkdir "/d"; fs:create "/d/foo" end,
  run = function(fs)
    fs:write("/d/foo", "foo")
    fs:fsync "/d/foo"
    fs:unlink "/d/foo"
    fs:fsync "/d"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(fs:readdir "/d", {}) end
  end,
}
