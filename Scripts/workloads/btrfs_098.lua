return treelog.workload {
  name = "btrfs_098",
  doc = "Pieces of a file that were cloned behind its end, and then partly written anew, have the right content.",
  setup = function(fs) fs:write("/foo", ("a"):rep(16 << 10) .. ("b"):rep(16 << 10)) end,
  run = function(fs)
    fs:clone("/foo", "/foo", 0, 16 << 10, 32 << 10)
    fs:clone("/foo", "/foo", 8 << 10, 16 << 10, 48 << 10)
    fs:fsync "/foo"
    fs:write("/foo", ("c"):rep(4096), 36 << 10)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local function k(letter, count) return letter:rep(count << 10) end
    treelog.expect_equal(fs:read "/foo", k("a", 16) .. k("b", 16) .. k("a", 4) .. k("c", 4) .. k("a", 8)
      .. k("a", 8) .. k("b", 8))
  end,
}
