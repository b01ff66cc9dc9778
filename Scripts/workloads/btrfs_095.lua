local block <const> = 4096

return treelog.workload {
  name = "btrfs_095",
  doc = "As many references to an extent are added as dropped in one transaction: the log can be replayed.",
  setup = function(fs)
    fs:create "/foo"
    fs:allocate("/foo", 40 * block, 115 * block)
    -- The end of the reservation, and what follows it.
    fs:write("/foo", ("a"):rep(30 * block), 135 * block)
  end,
  run = function(fs)
    fs:clone("/foo", "/foo", 40 * block, 125 * block, 512 * block)
    fs:write("/foo", ("b"):rep(25 * block), 768 * block)
    -- Drops a reference to the extent of ten blocks that got one above.
    fs:clone("/foo", "/foo", 768 * block, 25 * block, 150 * block)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local function zeros(count) return ("\0"):rep(count * block) end
    local function a(count) return ("a"):rep(count * block) end
    local b = ("b"):rep(25 * block)
    treelog.expect_equal(fs:read "/foo", zeros(135) .. a(15) .. b .. zeros(607 - 175) .. a(30) .. zeros(768 - 637) .. b)
  end,
}
