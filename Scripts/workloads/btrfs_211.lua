local kib <const> = 1 << 10

return treelog.workload {
  name = "btrfs_211",
  doc = "Reservations on both sides of the end keep their whole length while the end moves through them.",
  volume = { features = { "^no-holes" } },
  run = function(fs)
    fs:create "/foo"
    fs:allocate("/foo", 0, 128 * kib, "keep_size"); fs:allocate("/foo", 128 * kib, 128 * kib, "keep_size")
    fs:fsync "/foo"
    fs:mark "reserved"
    fs:allocate("/foo", 0, 64 * kib)
    fs:fsync "/foo"
    fs:mark "64 KiB"
    fs:truncate("/foo", 256 * kib)
    fs:fsync "/foo"
    fs:mark "256 KiB"
  end,
  check = function(fs, crash)
    if not crash:after "reserved" then return end
    treelog.expect_equal(fs:stat("/foo").nbytes, 256 * kib)
    if crash:after "256 KiB" then
      treelog.expect_equal(fs:stat("/foo").size, 256 * kib)
    elseif crash:after "64 KiB" then
      treelog.expect_equal(fs:stat("/foo").size, 64 * kib)
    end
    -- What is written goes into what was reserved.
    fs:write("/foo", ("a"):rep(128 * kib))
    fs:sync()
    treelog.expect_equal(fs:stat("/foo").nbytes, 256 * kib)
    treelog.expect_equal(fs:read("/foo", 0, 128 * kib), ("a"):rep(128 * kib))
  end,
}
