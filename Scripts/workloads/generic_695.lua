return treelog.workload {
  name = "generic_695",
  doc = "A hole that is made beside another one is there.",
  setup = function(fs)
    fs:write("/foo", ("a"):rep(192 << 10)); fs:punch("/foo", 64 << 10, 64 << 10)
  end,
  run = function(fs)
    fs:punch("/foo", 32 << 10, 64 << 10)
    fs:fsync "/foo"
    fs:punch("/foo", 128 << 10, 16 << 10)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local content = ("a"):rep(32 << 10) .. ("\0"):rep(112 << 10) .. ("a"):rep(48 << 10)
    treelog.expect_equal(fs:read "/foo", content)
  end,
}
