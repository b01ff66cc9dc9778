return treelog.workload {
  name = "generic_480",
  doc = "A new file takes a name that another file had as well, and both have one name each.",
  setup = function(fs)
    fs:mkdir "/d"; fs:write("/d/foo", "foo"); fs:link("/d/foo", "/d/bar")
  end,
  run = function(fs)
    fs:unlink "/d/bar"
    fs:write("/d/bar", "bar")
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/d/bar", "bar")
    treelog.expect_equal(fs:read "/d/foo", "foo")
    treelog.expect_equal(fs:stat("/d/bar").nlink, 1)
    treelog.expect_equal(fs:stat("/d/foo").nlink, 1)
  end,
}
