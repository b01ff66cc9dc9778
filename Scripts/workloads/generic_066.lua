return treelog.workload {
  name = "generic_066",
  doc = "An extended attribute that was removed before the fsync does not come back.",
  setup = function(fs)
    fs:create "/foo"
    for i = 1, 3 do fs:set_xattr("/foo", "user.a" .. i, "value " .. i) end
  end,
  run = function(fs)
    fs:remove_xattr("/foo", "user.a2")
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:list_xattrs "/foo", { "user.a1", "user.a3" })
    treelog.expect_equal(fs:get_xattr("/foo", "user.a3"), "value 3")
  end,
}
