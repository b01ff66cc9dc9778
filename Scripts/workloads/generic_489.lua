return treelog.workload {
  name = "generic_489",
  doc = "Extended attributes stay when the file is fsynced again in a later transaction.",
  run = function(fs)
    fs:write("/foo", "foo")
    fs:set_xattr("/foo", "user.a", "1")
    fs:fsync "/foo"
    fs:mark "first"
    fs:sync()
    fs:write("/foo", "fooo")
    fs:fsync "/foo"
    fs:truncate("/foo", 2)
    fs:fsync "/foo"
    fs:mark "last"
  end,
  check = function(fs, crash)
    if crash:after "first" then treelog.expect_equal(fs:get_xattr("/foo", "user.a"), "1") end
    if crash:after "last" then treelog.expect_equal(fs:read "/foo", "fo") end
  end,
}
