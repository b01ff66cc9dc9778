return treelog.workload {
  name = "crashmonkey_5",
  doc = "A hard link that was made after the file was fsynced is there after the next fsync of the file.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b" end,
  run = function(fs)
    fs:write("/a/foo", "foo")
    fs:fsync "/a/foo"
    fs:link("/a/foo", "/b/bar")
    fs:fsync "/a/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/a/foo", "foo")
    treelog.expect_equal(fs:read "/b/bar", "foo")
    treelog.expect_equal(fs:stat("/a/foo").nlink, 2)
  end,
}
