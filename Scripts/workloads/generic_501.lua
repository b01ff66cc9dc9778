local mib <const> = 1 << 20

return treelog.workload {
  name = "generic_501",
  doc = "A clone over the end of a large file that was fsynced before is there as a whole.",
  volume = { size = 256 << 20 },
  run = function(fs)
    fs:write("/foo", ("a"):rep(2 * mib))
    fs:fsync "/foo"
    for i = 0, 4 do fs:write("/bar", ("b"):rep(4 * mib), i * 4 * mib) end
    fs:fsync "/bar"
    fs:mark "written"
    fs:clone("/foo", "/bar", 0, 2 * mib, 19 * mib)
    fs:fsync "/bar"
    fs:mark "cloned"
  end,
  check = function(fs, crash)
    if not crash:after "written" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(2 * mib))
    for i = 0, 18 do treelog.expect_equal(fs:read("/bar", i * mib, mib), ("b"):rep(mib)) end
    if crash:after "cloned" then treelog.expect_equal(fs:read("/bar", 19 * mib), ("a"):rep(2 * mib)) end
  end,
}
