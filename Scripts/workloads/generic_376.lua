return treelog.workload {
  name = "generic_376",
  doc = "A link takes the old name of a renamed file, and both files stay what they are.",
  setup = function(fs) fs:mkdir "/d"; fs:write("/d/foo", "foo") end,
  run = function(fs)
    fs:rename("/d/foo", "/d/bar")
    fs:write("/d/baz", "baz")
    fs:link("/d/baz", "/d/foo")
    fs:fsync "/d/baz"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/d/bar", "foo")
    treelog.expect_equal(fs:read "/d/foo", "baz")
    treelog.expect_equal(fs:stat("/d/baz").nlink, 2)
  end,
}
