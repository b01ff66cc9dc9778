return treelog.workload {
  name = "btrfs_201",
  doc = "Reservations with gaps between are there after the fsync, and the gaps are holes.",
  setup = function(fs) fs:create "/foo" end,
  run = function(fs)
    fs:allocate("/foo", 0, 4096)
    fs:allocate("/foo", 128 << 10, 16 << 10)
    fs:write("/foo", ("a"):rep(4096), 128 << 10)
    fs:fsync "/foo"
    fs:punch("/foo", 132 << 10, 4096)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("\0"):rep(128 << 10) .. ("a"):rep(4096) .. ("\0"):rep(12 << 10))
    treelog.expect_equal(fs:stat("/foo").nbytes, 16 << 10)
  end,
}
