return treelog.workload {
  name = "generic_177",
  doc = "Holes that overlap one another and reach behind the end of the file are all there.",
  setup = function(fs) fs:create "/foo" end,
  run = function(fs)
    fs:write("/foo", ("a"):rep(128 << 10))
    fs:fsync "/foo"
    fs:mark "written"
    fs:punch("/foo", 96 << 10, 32 << 10)
    fs:punch("/foo", 64 << 10, 128 << 10)
    fs:punch("/foo", 32 << 10, 96 << 10)
    fs:fsync "/foo"
    fs:mark "punched"
  end,
  check = function(fs, crash)
    if crash:after "written" then treelog.expect_equal(fs:read("/foo", 0, 32 << 10), ("a"):rep(32 << 10)) end
    if not crash:after "punched" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(32 << 10) .. ("\0"):rep(96 << 10))
    treelog.expect_equal(fs:stat("/foo").nbytes, 32 << 10)
  end,
}
