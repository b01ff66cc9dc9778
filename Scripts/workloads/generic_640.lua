return treelog.workload {
  name = "generic_640",
  doc = "A logged file that moved to another directory is in one place when that directory's other file is fsynced.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b"; fs:create "/b/bar" end,
  run = function(fs)
    fs:write("/a/foo", "foo")
    fs:fsync "/a/foo"
    fs:mark "foo"
    fs:rename("/a/foo", "/b/foo")
    fs:write("/b/bar", "bar")
    fs:fsync "/b/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "foo" then
      treelog.expect(fs:exists "/a/foo" ~= fs:exists "/b/foo", "the file is in one place")
      treelog.expect_equal(fs:read(fs:exists "/a/foo" and "/a/foo" or "/b/foo"), "foo")
    end
    if crash:after "done" then treelog.expect_equal(fs:read "/b/bar", "bar") end
  end,
}
