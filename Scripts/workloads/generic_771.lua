return treelog.workload {
  name = "generic_771",
  doc = "A file without a name, written and fsynced through an open file, does not keep the volume from being "
    .. "mounted.",
  setup = function(fs) fs:write("/foo", ("a"):rep(65536)); fs:write("/bar", "bar") end,
  run = function(fs)
    local file = fs:open "/foo"
    fs:unlink "/foo"
    fs:write(file, ("b"):rep(65536), 32768)
    fs:fsync(file)
    fs:append("/bar", "!")
    fs:fsync "/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(fs:read "/bar", "bar!") end
  end,
}
