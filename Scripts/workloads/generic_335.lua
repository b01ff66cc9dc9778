return treelog.workload {
  name = "generic_335",
  doc = "A file that moved to another directory is not lost when the directory above the old one is fsynced.",
  setup = function(fs)
    fs:mkdir "/a"; fs:mkdir "/a/b"; fs:mkdir "/c"; fs:write("/a/b/foo", "foo")
  end,
  run = function(fs)
    fs:rename("/a/b/foo", "/c/foo")
    fs:create "/a/bar"
    fs:fsync "/a"
    fs:mark "directory"
    fs:fsync "/c/foo"
    fs:mark "file"
  end,
  check = function(fs, crash)
    if not crash:after "directory" then return end
    treelog.expect_equal(fs:readdir "/a", { "b", "bar" })
    treelog.expect(fs:exists "/a/b/foo" ~= fs:exists "/c/foo", "the file is in one place")
    if not crash:after "file" then return end
    treelog.expect_equal(fs:read "/c/foo", "foo")
    treelog.expect_equal(fs:readdir "/a/b", {})
  end,
}
