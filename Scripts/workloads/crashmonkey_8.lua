return treelog.workload {
  name = "crashmonkey_8",
  doc = "Blocks that were reserved behind the end after a write are there, and the size is right.",
  run = function(fs)
    fs:write("/foo", ("a"):rep(16 << 10))
    fs:fsync "/foo"
    fs:zero("/foo", 20 << 10, 4096, "keep_size")
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/foo").size, 16 << 10)
    treelog.expect_equal(fs:stat("/foo").nbytes, 20 << 10)
    treelog.expect_equal(fs:read "/foo", ("a"):rep(16 << 10))
  end,
}
