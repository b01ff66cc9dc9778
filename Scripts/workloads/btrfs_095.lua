return treelog.workload {
  name = "btrfs_095",
  doc = "References to an extent that are added and dropped in one transaction do not keep the log from being "
    .. "replayed.",
  setup = function(fs) fs:write("/foo", ("a"):rep(64 << 10)) end,
  run = function(fs)
    fs:write("/foo", ("b"):rep(16 << 10), 16 << 10)
    fs:fsync "/foo"
    for i = 1, 4 do fs:clone("/foo", "/foo", 0, 16 << 10, (64 + i * 16) << 10) end
    fs:fsync "/foo"
    for i = 1, 4 do fs:clone("/foo", "/foo", 16 << 10, 16 << 10, (64 + i * 16) << 10) end
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read("/foo", 80 << 10, 64 << 10), ("b"):rep(64 << 10))
    treelog.expect_equal(fs:read("/foo", 0, 32 << 10), ("a"):rep(16 << 10) .. ("b"):rep(16 << 10))
  end,
}
