return treelog.workload {
  name = "btrfs_120",
  doc = "A subvolume that was deleted and made anew under its name is empty.",
  setup = function(fs) fs:mkdir "/d"; fs:subvolume "/d/sub"; fs:write("/d/sub/foo", "foo") end,
  run = function(fs)
    fs:delete_subvolume "/d/sub"
    fs:subvolume "/d/sub"
    fs:write("/d/sub/bar", "bar")
    fs:fsync "/d/sub/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(fs:readdir "/d/sub", { "bar" }) end
  end,
}
