return treelog.workload {
  name = "generic_101",
  doc = "What lies behind a truncation is zeros after the file grew again.",
  setup = function(fs) fs:write("/foo", ("a"):rep(131072)) end,
  run = function(fs)
    fs:truncate("/foo", 32768)
    fs:truncate("/foo", 131072)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(32768) .. ("\0"):rep(98304))
  end,
}
