return treelog.workload {
  name = "btrfs_209",
  doc = "A hole between two parts that are fsynced one after the other is there.",
  setup = function(fs) fs:write("/foo", ("a"):rep(256 << 10)) end,
  run = function(fs)
    fs:truncate("/foo", 0)
    fs:write("/foo", ("b"):rep(4096))
    fs:fsync "/foo"
    fs:write("/foo", ("c"):rep(4096), 252 << 10)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("b"):rep(4096) .. ("\0"):rep(248 << 10) .. ("c"):rep(4096))
  end,
}
