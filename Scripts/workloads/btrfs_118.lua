return treelog.workload {
  name = "btrfs_118",
  doc = "A snapshot that was deleted is not back, and its directory can be removed.",
  setup = function(fs) fs:mkdir "/snaps"; fs:snapshot("/", "/snaps/s") end,
  run = function(fs)
    fs:delete_subvolume "/snaps/s"
    fs:create "/snaps/foo"
    fs:fsync "/snaps"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/snaps", { "foo" })
    fs:unlink "/snaps/foo"; fs:rmdir "/snaps"
  end,
}
