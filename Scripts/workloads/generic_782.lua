return treelog.workload {
  name = "generic_782",
  doc = "A new directory is there after an fsync of the one above, though a file logged after it got a link in it.",
  setup = function(fs) fs:create "/foo" end,
  run = function(fs)
    fs:mkdir "/d"
    fs:write("/foo", ("a"):rep(64 << 10))
    fs:fsync "/foo"
    fs:mark "file"
    fs:link("/foo", "/d/bar")
    fs:fsync "/"
    fs:mark "directory"
  end,
  check = function(fs, crash)
    if crash:after "file" then treelog.expect_equal(fs:read "/foo", ("a"):rep(64 << 10)) end
    if crash:after "directory" then treelog.expect_equal(fs:readdir "/", { "d", "foo" }) end
  end,
}
