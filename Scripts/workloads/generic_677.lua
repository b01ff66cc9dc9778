return treelog.workload {
  name = "generic_677",
  doc = "Space that is reserved behind the end in two steps, with an fsync between, is all reserved.",
  setup = function(fs) fs:write("/foo", ("a"):rep(64 << 10)) end,
  run = function(fs)
    fs:allocate("/foo", 64 << 10, 64 << 10, "keep_size")
    fs:fsync "/foo"
    fs:allocate("/foo", 128 << 10, 64 << 10, "keep_size")
    fs:append("/foo", "b")
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(64 << 10) .. "b")
    treelog.expect_equal(fs:stat("/foo").nbytes, 192 << 10)
  end,
}
