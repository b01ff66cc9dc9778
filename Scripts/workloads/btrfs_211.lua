return treelog.workload {
  name = "btrfs_211",
  doc = "A reservation that begins before the end of the file and reaches behind it is there with its whole length.",
  setup = function(fs) fs:create "/foo"; fs:allocate("/foo", 0, 1 << 20, "keep_size") end,
  run = function(fs)
    fs:write("/foo", ("a"):rep(4096))
    fs:fsync "/foo"
    fs:write("/foo", ("b"):rep(4096), 4096)
    fs:fdatasync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read("/foo", 0, 8192), ("a"):rep(4096) .. ("b"):rep(4096))
    treelog.expect_equal(fs:stat("/foo").nbytes, 1 << 20)
  end,
}
