return treelog.workload {
  name = "btrfs_166",
  doc = "A volume whose quotas are being counted when the power goes can be mounted, and the synced file is there.",
  setup = function(fs)
    fs:subvolume "/sub"
    fs:write("/sub/shared", ("shared"):rep(10000))
  end,
  run = function(fs)
    fs:write("/before", ("before"):rep(1000))
    fs:enable_quotas()
    fs:mark "counted"
    -- The count is still to be done, and there is a log.
    fs:write("/foo", ("foo"):rep(10000))
    treelog.expect_equal(fs:fsync("/foo").outcome, "logged")
    fs:mark "synced"
    fs:snapshot("/sub", "/snap")
    fs:write("/snap/shared", "changed")
    fs:fsync "/snap/shared"
    fs:mark "snapshot"
  end,
  check = function(fs, crash)
    if not crash:after "counted" then return end
    local groups = { "0/5", "0/256" }
    if crash:after "snapshot" then
      groups[3] = "0/257"
      treelog.expect_equal(fs:read("/snap/shared", 0, 7), "changed")
    end
    -- Between the commit of the snapshot and the mark both are right.
    if crash:after "snapshot" or not fs:exists "/snap" then treelog.expect_equal(fs:quota_groups(), groups) end
    treelog.expect_equal(fs:read "/before", ("before"):rep(1000))
    if crash:after "synced" then treelog.expect_equal(fs:read "/foo", ("foo"):rep(10000)) end
    fs:disable_quotas()
    treelog.expect_equal(fs:quota_groups(), {})
  end,
}
