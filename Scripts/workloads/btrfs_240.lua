local kib <const> = 1 << 10

return treelog.workload {
  name = "btrfs_240",
  doc = "Writes into parts of two reservations, in two transactions, with an fsync after each: all can be read.",
  run = function(fs)
    fs:create "/foo"
    -- A gap keeps the two extents apart in the file, though they may touch on the device.
    fs:allocate("/foo", 0, 128 * kib); fs:allocate("/foo", 384 * kib, 384 * kib)
    fs:write("/foo", ("a"):rep(128 * kib), 384 * kib)
    fs:write("/foo", ("c"):rep(128 * kib), 640 * kib)
    fs:fsync "/foo"
    fs:sync()
    fs:mark "ends"
    fs:write("/foo", ("b"):rep(128 * kib), 512 * kib)
    fs:fsync "/foo"
    fs:mark "middle"
    fs:write("/foo", ("f"):rep(128 * kib))
    fs:truncate("/foo", 640 * kib)
    fs:fsync "/foo"
    fs:mark "front"
  end,
  check = function(fs, crash)
    if not crash:after "ends" then return end
    treelog.expect_equal(fs:read("/foo", 384 * kib, 128 * kib), ("a"):rep(128 * kib))
    if crash:after "middle" then treelog.expect_equal(fs:read("/foo", 512 * kib, 128 * kib), ("b"):rep(128 * kib)) end
    if crash:after "front" then
      treelog.expect_equal(fs:stat("/foo").size, 640 * kib)
      treelog.expect_equal(fs:read("/foo", 0, 384 * kib), ("f"):rep(128 * kib) .. ("\0"):rep(256 * kib))
    elseif crash:after "middle" then
      treelog.expect_equal(fs:read("/foo", 640 * kib), ("c"):rep(128 * kib))
    end
  end,
}
