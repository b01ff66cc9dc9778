return treelog.workload {
  name = "generic_325",
  doc = "Two parts of a file that were written far from each other are both there.",
  setup = function(fs) fs:write("/foo", ("a"):rep(256 << 10)) end,
  run = function(fs)
    fs:write("/foo", ("b"):rep(4096), 4096)
    fs:write("/foo", ("c"):rep(4096), 128 << 10)
    fs:fdatasync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read("/foo", 0, 12288), ("a"):rep(4096) .. ("b"):rep(4096) .. ("a"):rep(4096))
    treelog.expect_equal(fs:read("/foo", 128 << 10, 8192), ("c"):rep(4096) .. ("a"):rep(4096))
  end,
}
