local kib <const> = 1 << 10

return treelog.workload {
  name = "generic_588",
  doc = "Part of an extent was cloned to the front of its own file, another part is then overwritten: all can be read.",
  run = function(fs)
    fs:write("/foo", ("a"):rep(256 * kib))
    fs:fsync "/foo"
    fs:write("/foo", ("b"):rep(256 * kib), 256 * kib)
    fs:clone("/foo", "/foo", 320 * kib, 64 * kib, 0)
    fs:fsync "/foo"
    fs:mark "cloned"
    fs:write("/foo", ("c"):rep(64 * kib), 256 * kib)
    fs:fsync "/foo"
    fs:mark "written"
  end,
  check = function(fs, crash)
    if not crash:after "cloned" then return end
    treelog.expect_equal(fs:read("/foo", 0, 256 * kib), ("b"):rep(64 * kib) .. ("a"):rep(192 * kib))
    treelog.expect_equal(fs:read("/foo", 320 * kib), ("b"):rep(192 * kib))
    if crash:after "written" then treelog.expect_equal(fs:read("/foo", 256 * kib, 64 * kib), ("c"):rep(64 * kib)) end
  end,
}
