return treelog.workload {
  name = "generic_322",
  doc = "A file that was fsynced, written, renamed and fsynced has all its data, under the new name only.",
  run = function(fs)
    fs:write("/foo", ("a"):rep(256 << 10))
    fs:fsync "/foo"
    fs:mark "written"
    fs:write("/foo", ("b"):rep(256 << 10), 512 << 10)
    fs:rename("/foo", "/bar")
    fs:fsync "/bar"
    fs:mark "renamed"
  end,
  check = function(fs, crash)
    if crash:after "renamed" then
      treelog.expect(not fs:exists "/foo", "the old name is back")
      treelog.expect_equal(fs:read "/bar", ("a"):rep(256 << 10) .. ("\0"):rep(256 << 10) .. ("b"):rep(256 << 10))
    elseif crash:after "written" then
      local path = fs:exists "/foo" and "/foo" or "/bar"
      treelog.expect_equal(fs:read(path, 0, 256 << 10), ("a"):rep(256 << 10))
    end
  end,
}
