return treelog.workload {
  name = "crashmonkey_1",
  doc = "After a rename over a logged file the name is that of the old or the new file, whatever is synced.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b" end,
  run = function(fs)
    fs:write("/a/bar", "old")
    fs:fsync "/a/bar"
    fs:mark "old"
    fs:write("/b/bar", "new")
    fs:rename("/b/bar", "/a/bar")
    fs:create "/a/foo"
    fs:fsync "/a/foo"
    fs:mark "foo"
    fs:fsync "/a"
    fs:mark "new"
  end,
  check = function(fs, crash)
    if not crash:after "old" then return end
    local content = fs:read "/a/bar"
    treelog.expect(content == "old" or content == "new", "/a/bar has neither content")
    treelog.expect_equal(fs:stat("/a/bar").nlink, 1)
    if crash:after "foo" then treelog.expect(fs:exists "/a/foo", "/a/foo was synced") end
    if not crash:after "new" then return end
    treelog.expect_equal(fs:readdir "/a", { "bar", "foo" })
    treelog.expect_equal(fs:readdir "/b", {})
  end,
}
