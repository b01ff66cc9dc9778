return treelog.workload {
  name = "btrfs_119",
  doc = "A file that is synced after snapshots were deleted is there, and the snapshots are not; with quotas.",
  setup = function(fs)
    fs:enable_quotas()
    fs:write("/foo", ("foo"):rep(20000))
    for i = 1, 3 do
      fs:snapshot("/", "/snap" .. i)
      fs:write("/foo", "changed" .. i)
    end
  end,
  run = function(fs)
    for i = 1, 3 do fs:delete_subvolume("/snap" .. i) end
    fs:sync()
    fs:write("/bar", ("bar"):rep(5000))
    fs:fsync "/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/", { "bar", "foo" })
    treelog.expect_equal(fs:quota_groups(), { "0/5" })
    treelog.expect_equal(fs:read "/bar", ("bar"):rep(5000))
    treelog.expect_equal(fs:read("/foo", 0, 8), "changed3")
  end,
}
