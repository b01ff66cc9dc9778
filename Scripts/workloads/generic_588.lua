return treelog.workload {
  name = "generic_588",
  doc = "A clone of part of a file, cut off after, is there with the right end.",
  setup = function(fs)
    fs:write("/foo", ("a"):rep(64 << 10) .. ("b"):rep(64 << 10)); fs:create "/bar"
  end,
  run = function(fs)
    fs:clone("/foo", "/bar", 32 << 10, 64 << 10, 0)
    fs:truncate("/bar", 48 << 10)
    fs:clone("/foo", "/bar", 0, 16 << 10, 64 << 10)
    fs:fsync "/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local content = ("a"):rep(32 << 10) .. ("b"):rep(16 << 10) .. ("\0"):rep(16 << 10) .. ("a"):rep(16 << 10)
    treelog.expect_equal(fs:read "/bar", content)
  end,
}
