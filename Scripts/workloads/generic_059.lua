return treelog.workload {
  name = "generic_059",
  doc = "A hole smaller than a block is there after the fsync.",
  setup = function(fs) fs:write("/foo", ("a"):rep(135000)) end,
  run = function(fs)
    fs:punch("/foo", 90000, 500)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(90000) .. ("\0"):rep(500) .. ("a"):rep(44500))
  end,
}
