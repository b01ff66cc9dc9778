local mib <const> = 1 << 20

return treelog.workload {
  name = "generic_677",
  doc = "Space reserved behind the end of a file with many extents stays when only the first extent is written anew.",
  volume = { node_size = 4096 },
  setup = function(fs)
    -- Extents that do not touch one another fill several leaves.
    for i = 0, 255 do fs:write("/foo", ("a"):rep(4096), i * 8192) end
    fs:truncate("/foo", 2 * mib)
    fs:allocate("/foo", 2 * mib, mib, "keep_size")
    fs:allocate("/foo", 6 * mib, mib, "keep_size")
  end,
  run = function(fs)
    fs:write("/foo", ("b"):rep(4096))
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local stat = fs:stat "/foo"
    treelog.expect_equal(stat.size, 2 * mib)
    treelog.expect_equal(stat.nbytes, 3 * mib)
    local hole = ("\0"):rep(4096)
    treelog.expect_equal(fs:read "/foo", ("b"):rep(4096) .. hole .. (("a"):rep(4096) .. hole):rep(255))
  end,
}
