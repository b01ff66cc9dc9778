return treelog.workload {
  name = "generic_534",
  doc = "A file that was made shorter and renamed has the new size.",
  setup = function(fs) fs:write("/foo", ("a"):rep(131072)) end,
  run = function(fs)
    fs:truncate("/foo", 65536)
    fs:rename("/foo", "/bar")
    fs:fsync "/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/bar", ("a"):rep(65536))
    treelog.expect(not fs:exists "/foo", "the old name is back")
  end,
}
