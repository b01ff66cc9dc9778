return treelog.workload {
  name = "generic_066",
  doc = "Extended attributes that were removed do not come back, whether the file itself or another one is fsynced.",
  setup = function(fs)
    fs:create "/foo"
    for i = 1, 3 do fs:set_xattr("/foo", "user.a" .. i, "value " .. i) end
  end,
  run = function(fs)
    fs:remove_xattr("/foo", "user.a2")
    fs:fsync "/foo"
    fs:mark "second"
    fs:remove_xattr("/foo", "user.a1")
    -- A new name brings a logged file into the log again.
    fs:link("/foo", "/foo.link")
    fs:create "/bar"
    fs:fsync "/bar"
    fs:mark "first"
  end,
  check = function(fs, crash)
    if not crash:after "second" then return end
    treelog.expect_equal(fs:get_xattr("/foo", "user.a2"), nil)
    treelog.expect_equal(fs:get_xattr("/foo", "user.a3"), "value 3")
    if crash:after "first" then treelog.expect_equal(fs:list_xattrs "/foo", { "user.a3" }) end
  end,
}
