return treelog.workload {
  name = "btrfs_120",
  doc = "A directory takes the name of one that held a deleted snapshot; it, or a file in it, can be fsynced.",
  setup = function(fs) fs:mkdir "/d"; fs:mkdir "/e" end,
  run = function(fs)
    for _, directory in ipairs { "/d", "/e" } do
      fs:snapshot("/", directory .. "/snap")
      fs:delete_subvolume(directory .. "/snap")
      fs:rmdir(directory)
      fs:mkdir(directory)
      if directory == "/e" then fs:create "/e/foo" end
      fs:fsync(directory == "/d" and "/d" or "/e/foo")
      fs:mark(directory)
    end
  end,
  check = function(fs, crash)
    if crash:after "/d" then treelog.expect_equal(fs:readdir "/d", {}) end
    if crash:after "/e" then treelog.expect_equal(fs:readdir "/e", { "foo" }) end
  end,
}
