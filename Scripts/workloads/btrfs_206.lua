return treelog.workload {
  name = "btrfs_206",
  doc = "Without no-holes, a gap in what was reserved behind the end has an item once the file has grown over it.",
  volume = { features = { "^no-holes" } },
  crashes = "flushes",
  run = function(fs)
    fs:create "/foo"
    fs:allocate("/foo", 4096, 8192, "keep_size")
    fs:punch("/foo", 4096, 4096)
    fs:write("/foo", ("a"):rep(4096))
    fs:fsync "/foo"
    fs:mark "written"
    fs:truncate("/foo", 12288)
    fs:fsync "/foo"
    fs:mark "grown"
    fs:sync()
  end,
  check = function(fs, crash)
    if crash:after "grown" then
      treelog.expect_equal(fs:read "/foo", ("a"):rep(4096) .. ("\0"):rep(8192))
      treelog.expect_equal(fs:stat("/foo").nbytes, 8192)
    elseif crash:after "written" then
      treelog.expect_equal(fs:read("/foo", 0, 4096), ("a"):rep(4096))
    end
  end,
}
