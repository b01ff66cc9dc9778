return treelog.workload {
  name = "btrfs_118",
  doc = "A snapshot that was deleted before the fsync of its directory is not back, be it new or committed, and the "
    .. "directory can be removed.",
  setup = function(fs) fs:mkdir "/snaps"; fs:snapshot("/", "/snaps/old") end,
  run = function(fs)
    fs:snapshot("/", "/new")
    fs:delete_subvolume "/new"
    fs:fsync "/"
    fs:mark "new"
    fs:delete_subvolume "/snaps/old"
    fs:create "/snaps/foo"
    fs:fsync "/snaps"
    fs:mark "old"
  end,
  check = function(fs, crash)
    if crash:after "new" then treelog.expect_equal(fs:readdir "/", { "snaps" }) end
    if not crash:after "old" then return end
    treelog.expect_equal(fs:readdir "/snaps", { "foo" })
    fs:unlink "/snaps/foo"; fs:rmdir "/snaps"
  end,
}
