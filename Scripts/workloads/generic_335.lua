return treelog.workload {
  name = "generic_335",
  doc = "A file that moved to another directory is not lost when the old one is fsynced.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/c"; fs:write("/a/foo", "foo") end,
  run = function(fs)
    fs:rename("/a/foo", "/c/foo")
    fs:create "/a/bar"
    fs:fsync "/a"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect(fs:exists "/a/bar", "the new file is missing")
    treelog.expect(not fs:exists "/a/foo", "the old name is back")
    treelog.expect_equal(fs:read "/c/foo", "foo")
  end,
}
