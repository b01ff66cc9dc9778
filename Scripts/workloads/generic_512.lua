return treelog.workload {
  name = "generic_512",
  doc = "A write into space that was reserved behind the end of the file is there, with the rest of the reservation.",
  setup = function(fs) fs:create "/foo" end,
  run = function(fs)
    fs:allocate("/foo", 0, 64 << 10, "keep_size")
    fs:fsync "/foo"
    fs:write("/foo", ("a"):rep(4096), 8192)
    fs:fdatasync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("\0"):rep(8192) .. ("a"):rep(4096))
    treelog.expect_equal(fs:stat("/foo").nbytes, 64 << 10)
  end,
}
