return treelog.workload {
  name = "generic_745",
  doc = "A file with many extended attributes has them all after it was written and fsynced again.",
  setup = function(fs) fs:create "/foo" end,
  run = function(fs)
    for i = 1, 100 do fs:set_xattr("/foo", ("user.%03d"):format(i), ("v%d"):format(i):rep(50)) end
    fs:fsync "/foo"
    fs:mark "set"
    fs:write("/foo", ("a"):rep(4096))
    fs:fsync "/foo"
    fs:mark "written"
  end,
  check = function(fs, crash)
    if not crash:after "set" then return end
    treelog.expect_equal(#fs:list_xattrs "/foo", 100)
    treelog.expect_equal(fs:get_xattr("/foo", "user.057"), ("v57"):rep(50))
    if crash:after "written" then treelog.expect_equal(fs:read "/foo", ("a"):rep(4096)) end
  end,
}
