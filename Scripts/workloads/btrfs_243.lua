local mib <const> = 1 << 20

return treelog.workload {
  name = "btrfs_243",
  doc = "A file that was renamed and made longer has its size after its fsync, though another renamed file was fsynced "
    .. "between.",
  setup = function(fs) fs:create "/foo"; fs:write("/bar", ("a"):rep(mib)) end,
  run = function(fs)
    treelog.expect_equal(fs:fsync("/bar").outcome, "nothing")
    fs:rename("/bar", "/bar2"); fs:rename("/foo", "/foo2")
    fs:truncate("/bar2", 2 * mib)
    fs:fsync "/foo2"
    fs:mark "foo"
    fs:fsync "/bar2"
    fs:mark "bar"
  end,
  check = function(fs, crash)
    if crash:after "foo" then treelog.expect(fs:exists "/foo2" and not fs:exists "/foo", "it has its new name") end
    if not crash:after "bar" then return end
    treelog.expect_equal(fs:readdir "/", { "bar2", "foo2" })
    treelog.expect_equal(fs:read "/bar2", ("a"):rep(mib) .. ("\0"):rep(mib))
  end,
}
