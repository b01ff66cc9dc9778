return treelog.workload {
  name = "generic_177",
  doc = "Several holes, made before and after an fsync, are all there.",
  setup = function(fs) fs:write("/foo", ("a"):rep(128 << 10)) end,
  run = function(fs)
    fs:punch("/foo", 96 << 10, 32 << 10)
    fs:fsync "/foo"
    fs:punch("/foo", 64 << 10, 64 << 10)
    fs:punch("/foo", 16 << 10, 16 << 10)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local full, hole = ("a"):rep(16 << 10), ("\0"):rep(16 << 10)
    treelog.expect_equal(fs:read "/foo", full .. hole .. full .. full .. hole:rep(4))
  end,
}
