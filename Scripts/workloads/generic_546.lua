local mib <const> = 1 << 20
-- The front of the file.
local content = ("\0"):rep(mib) .. ("a"):rep(4 * mib)

return treelog.workload {
  name = "generic_546",
  doc = "On a full volume reserved space can be written and the rest of it cloned, and all is there after the fsync.",
  setup = function(fs)
    fs:create "/foo"; fs:create "/fill"
    fs:allocate("/foo", 8192, 16 * mib)
    local offset, count = 0, 16 * mib
    while count >= 4096 do
      if treelog.try(fs.allocate, fs, "/fill", offset, count) then offset = offset + count else count = count // 2 end
    end
  end,
  run = function(fs)
    treelog.expect_error("ENOSPC", fs.write, fs, "/more", ("m"):rep(mib))
    fs:write("/foo", ("a"):rep(4 * mib), mib)
    fs:clone("/foo", "/foo", 8192, 4096, 0)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read("/foo", 0, 5 * mib), content)
    treelog.expect_equal(fs:read("/foo", 8 * mib, mib), ("\0"):rep(mib))
    treelog.expect_equal(fs:stat("/foo").size, 16 * mib + 8192)
  end,
}
