return treelog.workload {
  name = "crashmonkey_6",
  doc = "An entry that was made in a directory is there after the directory's fsync, though the file was logged "
    .. "under another name.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b"; fs:create "/foo" end,
  run = function(fs)
    fs:link("/foo", "/a/bar")
    fs:fsync "/foo"
    fs:link("/foo", "/b/baz")
    fs:fsync "/b"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/b", { "baz" })
    treelog.expect_equal(fs:readdir "/a", { "bar" })
    treelog.expect_equal(fs:stat("/foo").nlink, 3)
  end,
}
