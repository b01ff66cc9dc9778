return treelog.workload {
  name = "generic_090",
  doc = "A file that got a new link in an earlier transaction keeps what was appended and fsynced after.",
  run = function(fs)
    fs:write("/foo", ("a"):rep(32768))
    fs:fsync "/foo"
    fs:sync()
    fs:link("/foo", "/foo.link")
    fs:sync()
    fs:append("/foo", ("b"):rep(32768))
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(32768) .. ("b"):rep(32768))
    treelog.expect_equal(fs:stat("/foo.link").nlink, 2)
  end,
}
