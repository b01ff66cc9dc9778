return treelog.workload {
  name = "crashmonkey_1",
  doc = "After a rename over a logged file and an fsync of the directory the name is that of the new file.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b" end,
  run = function(fs)
    fs:write("/a/bar", "old")
    fs:fsync "/a/bar"
    fs:write("/b/bar", "new")
    fs:rename("/b/bar", "/a/bar")
    fs:create "/a/foo"
    fs:fsync "/a/foo"
    fs:fsync "/a"
    fs:mark "new"
  end,
  check = function(fs, crash)
    if not crash:after "new" then return end
    treelog.expect_equal(fs:readdir "/a", { "bar", "foo" })
    treelog.expect_equal(fs:readdir "/b", {})
    treelog.expect_equal(fs:stat("/a/bar").nlink, 1)
  end,
}
