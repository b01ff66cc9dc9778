return treelog.workload {
  name = "generic_509",
  doc = "An fsync of a file that never had a name harms nobody.",
  setup = function(fs) fs:write("/foo", "foo") end,
  run = function(fs)
    local file = fs:tmpfile "/"
    fs:write(file, ("t"):rep(65536))
    fs:fsync(file)
    fs:append("/foo", "bar")
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    treelog.expect_equal(fs:readdir "/", { "foo" })
    if crash:after "done" then treelog.expect_equal(fs:read "/foo", "foobar") end
  end,
}
