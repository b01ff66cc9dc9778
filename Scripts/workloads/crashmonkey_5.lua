return treelog.workload {
  name = "crashmonkey_5",
  doc = "A hard link in another directory is there after an fsync of the file by either name, logged before or not.",
  run = function(fs)
    fs:mkdir "/a"; fs:mkdir "/b"
    fs:write("/a/foo", "foo")
    fs:link("/a/foo", "/b/foo")
    fs:fsync "/a/foo"
    fs:mark "first"
    fs:link("/a/foo", "/b/bar")
    fs:fsync "/b/foo"
    fs:mark "second"
  end,
  check = function(fs, crash)
    if crash:after "first" then
      treelog.expect_equal(fs:read "/a/foo", "foo")
      treelog.expect_equal(fs:read "/b/foo", "foo")
    end
    if not crash:after "second" then return end
    treelog.expect_equal(fs:read "/b/bar", "foo")
    treelog.expect_equal(fs:stat("/a/foo").nlink, 3)
  end,
}
