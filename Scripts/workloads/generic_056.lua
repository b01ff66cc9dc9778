return treelog.workload {
  name = "generic_056",
  doc = "Data that was fsynced stays when the file gets another name and another file is fsynced.",
  run = function(fs)
    fs:write("/foo", ("a"):rep(8192))
    fs:fsync "/foo"
    fs:mark "foo"
    fs:link("/foo", "/foo.link")
    fs:write("/bar", "b")
    fs:fsync "/bar"
    fs:mark "bar"
  end,
  check = function(fs, crash)
    if crash:after "foo" then treelog.expect_equal(fs:read "/foo", ("a"):rep(8192)) end
    if crash:after "bar" then treelog.expect_equal(fs:read "/bar", "b") end
  end,
}
