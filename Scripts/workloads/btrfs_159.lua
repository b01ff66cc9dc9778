return treelog.workload {
  name = "btrfs_159",
  doc = "Data before, between and behind holes is right after an fsync that follows a change elsewhere in the file.",
  setup = function(fs)
    fs:write("/foo", ("a"):rep(4096))
    for i = 1, 40 do fs:write("/foo", ("%d"):format(i % 10):rep(4096), i * 12288) end
  end,
  run = function(fs)
    fs:truncate("/foo", 1 << 20)
    fs:write("/foo", ("x"):rep(4096), 4096)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/foo").size, 1 << 20)
    treelog.expect_equal(fs:read("/foo", 0, 12288), ("a"):rep(4096) .. ("x"):rep(4096) .. ("\0"):rep(4096))
    for i = 1, 40 do
      local found = fs:read("/foo", i * 12288, 12288)
      treelog.expect_equal(found, ("%d"):format(i % 10):rep(4096) .. ("\0"):rep(8192))
    end
  end,
}
