return treelog.workload {
  name = "generic_059",
  doc = "Holes that are smaller than a block, or lie across the border of two, are there after the fsync.",
  run = function(fs)
    fs:write("/foo", ("a"):rep(16384))
    fs:fsync "/foo"
    fs:sync()
    fs:punch("/foo", 8000, 4096)
    fs:punch("/foo", 15000, 100)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local function a(count) return ("a"):rep(count) end
    treelog.expect_equal(fs:read "/foo", a(8000) .. ("\0"):rep(4096) .. a(2904) .. ("\0"):rep(100) .. a(1284))
  end,
}
