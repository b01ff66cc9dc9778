local kib <const> = 1 << 10

return treelog.workload {
  name = "btrfs_209",
  doc = "Without no-holes, a file that grew in several pieces, the last one overwritten, has an item for each of them.",
  volume = { features = { "^no-holes" } },
  run = function(fs)
    fs:write("/foo", ("a"):rep(256 * kib))
    fs:fsync "/foo"
    fs:sync()
    fs:write("/foo", ("c"):rep(256 * kib), 512 * kib)
    fs:fdatasync "/foo"
    fs:mark "gap"
    fs:write("/foo", ("b"):rep(256 * kib), 256 * kib)
    fs:write("/foo", ("d"):rep(256 * kib), 768 * kib)
    fs:write("/foo", ("e"):rep(256 * kib), 768 * kib)
    fs:fdatasync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "gap" then return end
    treelog.expect_equal(fs:read("/foo", 0, 256 * kib), ("a"):rep(256 * kib))
    treelog.expect_equal(fs:read("/foo", 512 * kib, 256 * kib), ("c"):rep(256 * kib))
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read("/foo", 256 * kib, 256 * kib), ("b"):rep(256 * kib))
    treelog.expect_equal(fs:read("/foo", 768 * kib), ("e"):rep(256 * kib))
  end,
}
