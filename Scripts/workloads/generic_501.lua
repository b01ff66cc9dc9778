return treelog.workload {
  name = "generic_501",
  doc = "A clone keeps the content when its source is overwritten, and both are fsynced.",
  setup = function(fs) fs:write("/foo", ("a"):rep(768 << 10)); fs:create "/bar" end,
  run = function(fs)
    fs:write("/foo", ("b"):rep(256 << 10), 256 << 10)
    fs:fsync "/foo"
    fs:clone("/foo", "/bar")
    fs:write("/foo", ("c"):rep(4096), 300 << 10)
    fs:fsync "/bar"
    fs:mark "bar"
    fs:fsync "/foo"
    fs:mark "foo"
  end,
  check = function(fs, crash)
    local a, b = ("a"):rep(256 << 10), ("b"):rep(256 << 10)
    if crash:after "bar" then treelog.expect_equal(fs:read "/bar", a .. b .. a) end
    if crash:after "foo" then
      treelog.expect_equal(fs:read("/foo", 300 << 10, 4096), ("c"):rep(4096))
      treelog.expect_equal(fs:read("/foo", 304 << 10, 4096), ("b"):rep(4096))
    end
  end,
}
