return treelog.workload {
  name = "btrfs_056",
  doc = "A clone into a file that was fsynced before is there after the next fsync.",
  setup = function(fs) fs:write("/foo", ("a"):rep(64 << 10)); fs:write("/bar", ("b"):rep(32 << 10)) end,
  run = function(fs)
    fs:fsync "/bar"
    fs:clone("/foo", "/bar")
    fs:fsync "/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(fs:read "/bar", ("a"):rep(64 << 10)) end
  end,
}
