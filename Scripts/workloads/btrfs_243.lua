return treelog.workload {
  name = "btrfs_243",
  doc = "A truncation after a rename is there with its size.",
  setup = function(fs) fs:mkdir "/d"; fs:write("/d/foo", ("a"):rep(128 << 10)) end,
  run = function(fs)
    fs:append("/d/foo", "b")
    fs:fsync "/d/foo"
    fs:truncate("/d/foo", 64 << 10)
    fs:rename("/d/foo", "/d/bar")
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "bar" })
    treelog.expect_equal(fs:read "/d/bar", ("a"):rep(64 << 10))
  end,
}
