local kib <const> = 1 << 10

return treelog.workload {
  name = "generic_695",
  doc = "Holes that are made beside holes are there, where each hole has an item.",
  volume = { features = { "^no-holes" } },
  setup = function(fs)
    fs:create "/foo"
    fs:truncate("/foo", 768 * kib)
    fs:write("/foo", ("a"):rep(512 * kib), 128 * kib)
  end,
  run = function(fs)
    fs:punch("/foo", 128 * kib, 128 * kib)
    fs:punch("/foo", 512 * kib, 128 * kib)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local hole = ("\0"):rep(256 * kib)
    treelog.expect_equal(fs:read "/foo", hole .. ("a"):rep(256 * kib) .. hole)
    treelog.expect_equal(fs:stat("/foo").nbytes, 256 * kib)
  end,
}
