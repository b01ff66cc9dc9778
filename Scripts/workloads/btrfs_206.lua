return treelog.workload {
  name = "btrfs_206",
  doc = "The size is right when the data behind a gap was durable before the data in front of it.",
  setup = function(fs) fs:write("/foo", ("a"):rep(4096)) end,
  run = function(fs)
    fs:write("/foo", ("c"):rep(4096), 64 << 10)
    fs:fdatasync "/foo"
    fs:write("/foo", ("b"):rep(4096), 32 << 10)
    fs:fdatasync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/foo").size, 68 << 10)
    treelog.expect_equal(fs:read("/foo", 32 << 10, 4096), ("b"):rep(4096))
    treelog.expect_equal(fs:read("/foo", 64 << 10, 4096), ("c"):rep(4096))
  end,
}
