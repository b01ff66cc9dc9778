local kib <const> = 1 << 10

return treelog.workload {
  name = "btrfs_231",
  doc = "A hole that is cloned behind the end of a shortened file is a hole, and no old data is back.",
  setup = function(fs)
    local letters = { [0] = "a", [2] = "b", [3] = "c", [4] = "d" }
    for i, letter in pairs(letters) do fs:write("/foo", letter:rep(256 * kib), i * 256 * kib) end
  end,
  run = function(fs)
    fs:truncate("/foo", 800 * kib)
    fs:fsync "/foo"
    fs:mark "shortened"
    fs:clone("/foo", "/foo", 256 * kib, 256 * kib, 1024 * kib)
    fs:fsync "/foo"
    fs:mark "cloned"
  end,
  check = function(fs, crash)
    if not crash:after "shortened" then return end
    local hole = ("\0"):rep(256 * kib)
    local content = ("a"):rep(256 * kib) .. hole .. ("b"):rep(256 * kib) .. ("c"):rep(32 * kib)
    treelog.expect_equal(fs:read("/foo", 0, 800 * kib), content)
    if crash:after "cloned" then treelog.expect_equal(fs:read("/foo", 800 * kib), ("\0"):rep(480 * kib)) end
  end,
}
