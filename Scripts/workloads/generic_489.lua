return treelog.workload {
  name = "generic_489",
  doc = "Extended attributes stay when the file is fsynced again in a later transaction.",
  run = function(fs)
    fs:create "/foo"
    for i = 1, 3 do fs:set_xattr("/foo", "user.a" .. i, "value " .. i) end
    fs:fsync "/foo"
    fs:mark "first"
    fs:sync()
    fs:write("/foo", ("e"):rep(64 << 10))
    fs:fsync "/foo"
    fs:mark "last"
  end,
  check = function(fs, crash)
    if not crash:after "first" then return end
    treelog.expect_equal(fs:list_xattrs "/foo", { "user.a1", "user.a2", "user.a3" })
    for i = 1, 3 do treelog.expect_equal(fs:get_xattr("/foo", "user.a" .. i), "value " .. i) end
    if crash:after "last" then treelog.expect_equal(fs:read "/foo", ("e"):rep(64 << 10)) end
  end,
}
