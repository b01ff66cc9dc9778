return treelog.workload {
  name = "crashmonkey_2",
  doc = "A file that moved to another directory is not in both after an fsync of another file that moved the same "
    .. "way.",
  setup = function(fs)
    fs:mkdir "/a"; fs:mkdir "/a/c"; fs:mkdir "/b"
  end,
  run = function(fs)
    fs:write("/b/foo", "foo"); fs:write("/b/bar", "bar")
    fs:fsync "/b/bar"
    fs:sync()
    fs:rename("/b/foo", "/a/c/foo")
    fs:rename("/b/bar", "/a/c/bar")
    fs:fsync "/a/c/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect(fs:exists "/b/foo" ~= fs:exists "/a/c/foo", "the file is in one place")
    treelog.expect_equal(fs:read "/a/c/bar", "bar")
    treelog.expect(not fs:exists "/b/bar", "the old name is back")
  end,
}
