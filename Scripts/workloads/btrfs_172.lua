return treelog.workload {
  name = "btrfs_172",
  doc = "A file whose size is behind a gap keeps its size, and the gap is zeros.",
  setup = function(fs) fs:write("/foo", ("a"):rep(4096)) end,
  run = function(fs)
    fs:write("/foo", ("b"):rep(4096), 128 << 10)
    fs:fdatasync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local content = ("a"):rep(4096) .. ("\0"):rep(124 << 10) .. ("b"):rep(4096)
    treelog.expect_equal(fs:read "/foo", content)
  end,
}
