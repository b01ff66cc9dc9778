return treelog.workload {
  name = "generic_483",
  doc = "Space that was reserved behind the end of a file is reserved after the fsync.",
  setup = function(fs) fs:write("/foo", ("a"):rep(256 << 10)) end,
  run = function(fs)
    fs:allocate("/foo", 256 << 10, 256 << 10, "keep_size")
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local stat = fs:stat "/foo"
    treelog.expect_equal(stat.size, 256 << 10)
    treelog.expect_equal(stat.nbytes, 512 << 10)
    treelog.expect_equal(fs:read "/foo", ("a"):rep(256 << 10))
  end,
}
