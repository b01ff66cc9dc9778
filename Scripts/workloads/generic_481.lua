return treelog.workload {
  name = "generic_481",
  doc = "After a replay new files get numbers that no file has.",
  setup = function(fs) fs:mkdir "/d" end,
  run = function(fs)
    fs:write("/d/foo", "foo")
    fs:fsync "/d/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    fs:create "/d/new"
    if not crash:after "done" then return end
    treelog.expect(fs:stat("/d/new").inode > fs:stat("/d/foo").inode, "the number was in use")
    treelog.expect_equal(fs:read "/d/foo", "foo")
  end,
}
