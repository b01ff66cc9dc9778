return treelog.workload {
  name = "generic_057",
  doc = "What was appended and fsynced stays when the file is linked into a directory that is then fsynced.",
  setup = function(fs) fs:mkdir "/d"; fs:write("/foo", ("a"):rep(4096)) end,
  run = function(fs)
    fs:append("/foo", ("b"):rep(8192))
    fs:fsync "/foo"
    fs:mark "appended"
    fs:link("/foo", "/d/foo")
    fs:fsync "/d"
    fs:mark "linked"
  end,
  check = function(fs, crash)
    local content = ("a"):rep(4096) .. ("b"):rep(8192)
    if crash:after "appended" then treelog.expect_equal(fs:read "/foo", content) end
    if crash:after "linked" then treelog.expect_equal(fs:read "/d/foo", content) end
  end,
}
