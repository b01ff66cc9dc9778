return treelog.workload {
  name = "generic_101",
  doc = "What lies behind a truncation is zeros after the file grew again, to its old size or beyond.",
  setup = function(fs)
    fs:write("/foo", ("a"):rep(64 << 10) .. ("b"):rep(61 << 10))
    fs:write("/bar", ("c"):rep(125 << 10))
  end,
  run = function(fs)
    fs:truncate("/foo", 64 << 10)
    fs:truncate("/foo", 125 << 10)
    fs:fsync "/foo"
    fs:mark "foo"
    fs:truncate("/bar", 0)
    fs:truncate("/bar", 253 << 10)
    fs:fsync "/bar"
    fs:mark "bar"
  end,
  check = function(fs, crash)
    if crash:after "foo" then treelog.expect_equal(fs:read "/foo", ("a"):rep(64 << 10) .. ("\0"):rep(61 << 10)) end
    if not crash:after "bar" then return end
    treelog.expect_equal(fs:read "/bar", ("\0"):rep(253 << 10))
    treelog.expect_equal(fs:stat("/bar").nbytes, 0)
  end,
}
