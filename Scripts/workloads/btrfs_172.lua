return treelog.workload {
  name = "btrfs_172",
  doc = "Without no-holes, no crash leaves a file whose size is behind a gap that no item tells of.",
  volume = { features = { "^no-holes" } },
  crashes = "flushes",
  run = function(fs)
    fs:create "/foo"
    fs:write("/foo", ("b"):rep(256 << 10), 1 << 20)
    fs:fdatasync "/foo"
    fs:mark "end"
    fs:write("/foo", ("a"):rep(1 << 20))
    fs:sync()
    fs:mark "all"
  end,
  check = function(fs, crash)
    if crash:after "all" then
      treelog.expect_equal(fs:read "/foo", ("a"):rep(1 << 20) .. ("b"):rep(256 << 10))
    elseif crash:after "end" then
      treelog.expect_equal(fs:stat("/foo").size, 1280 << 10)
      treelog.expect_equal(fs:read("/foo", 1 << 20), ("b"):rep(256 << 10))
    end
  end,
}
