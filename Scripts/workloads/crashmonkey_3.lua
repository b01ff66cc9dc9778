return treelog.workload {
  name = "crashmonkey_3",
  doc = "A new directory is there when a file was moved into it and that file is fsynced.",
  setup = function(fs) fs:mkdir "/a"; fs:write("/foo", "foo") end,
  run = function(fs)
    fs:mkdir "/a/b"
    fs:rename("/foo", "/a/b/foo")
    fs:fsync "/a/b/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/a/b/foo", "foo")
    treelog.expect(not fs:exists "/foo", "the old name is back")
  end,
}
