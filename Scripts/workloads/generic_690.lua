return treelog.workload {
  name = "generic_690",
  doc = "A symbolic link that was made and renamed in a logged directory has its target after the next fsync of that.",
  setup = function(fs) fs:mkdir "/d" end,
  run = function(fs)
    fs:create "/d/foo"
    fs:fsync "/d"
    fs:mark "directory"
    fs:symlink("/d/foo", "/d/bar")
    fs:rename("/d/bar", "/d/baz")
    fs:fsync "/d"
    fs:mark "link"
  end,
  check = function(fs, crash)
    if crash:after "directory" then treelog.expect(fs:exists "/d/foo", "the new file is missing") end
    if not crash:after "link" then return end
    treelog.expect_equal(fs:readdir "/d", { "baz", "foo" })
    treelog.expect_equal(fs:readlink "/d/baz", "/d/foo")
  end,
}
