return treelog.workload {
  name = "generic_640",
  doc = "A file that moved out of a logged directory is in one place when a file elsewhere is fsynced.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b"; fs:write("/a/foo", "hello world") end,
  run = function(fs)
    fs:create "/a/bar"
    fs:fsync "/a"
    fs:mark "directory"
    fs:rename("/a/foo", "/b/foo")
    fs:create "/baz"
    fs:fsync "/baz"
    fs:mark "file"
  end,
  check = function(fs, crash)
    local isMoved = fs:exists "/b/foo"
    treelog.expect(fs:exists "/a/foo" ~= isMoved, "the file is in one place")
    treelog.expect_equal(fs:read(isMoved and "/b/foo" or "/a/foo"), "hello world")
    if crash:after "directory" then treelog.expect(fs:exists "/a/bar", "the new file is missing") end
    if crash:after "file" then treelog.expect(fs:exists "/baz", "the synced file is missing") end
  end,
}
