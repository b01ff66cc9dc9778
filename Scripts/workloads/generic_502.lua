return treelog.workload {
  name = "generic_502",
  doc = "Both links of a file move on by one name, a new file takes the name that is left, and each name is right.",
  setup = function(fs)
    fs:mkdir "/d"; fs:write("/d/foo", "old"); fs:link("/d/foo", "/d/bar")
  end,
  run = function(fs)
    fs:rename("/d/foo", "/d/qwerty")
    fs:rename("/d/bar", "/d/foo")
    fs:write("/d/bar", "new")
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "bar", "foo", "qwerty" })
    treelog.expect_equal(fs:read "/d/bar", "new")
    treelog.expect_equal(fs:read "/d/foo", "old")
    treelog.expect_equal(fs:stat("/d/qwerty").inode, fs:stat("/d/foo").inode)
    treelog.expect_equal(fs:stat("/d/foo").nlink, 2)
  end,
}
