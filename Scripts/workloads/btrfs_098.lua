local block <const> = 4096
local content = ("a"):rep(5 * block) .. ("b"):rep(5 * block) .. ("c"):rep(15 * block)

return treelog.workload {
  name = "btrfs_098",
  doc = "Part of a logged extent that is cloned to the front of its file has its checksums, and so has the rest.",
  run = function(fs)
    fs:write("/foo", content, 200 * block)
    fs:fsync "/foo"
    fs:mark "written"
    fs:clone("/foo", "/foo", 205 * block, 5 * block, 100 * block)
    fs:fsync "/foo"
    fs:mark "cloned"
  end,
  check = function(fs, crash)
    if not crash:after "written" then return end
    treelog.expect_equal(fs:read("/foo", 200 * block), content)
    if crash:after "cloned" then treelog.expect_equal(fs:read("/foo", 100 * block, 5 * block), ("b"):rep(5 * block)) end
  end,
}
