return treelog.workload {
  name = "btrfs_231",
  doc = "A clone of a hole is a hole after the fsync.",
  setup = function(fs)
    fs:write("/foo", ("a"):rep(64 << 10)); fs:create "/bar"; fs:truncate("/bar", 64 << 10)
  end,
  run = function(fs)
    fs:clone("/bar", "/foo", 0, 32 << 10, 16 << 10)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(16 << 10) .. ("\0"):rep(32 << 10) .. ("a"):rep(16 << 10))
  end,
}
