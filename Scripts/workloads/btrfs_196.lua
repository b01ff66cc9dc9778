return treelog.workload {
  name = "btrfs_196",
  doc = "After each fsync of a long row the log that the superblock names can be read.",
  run = function(fs)
    fs:write("/foo", "0")
    for i = 1, 30 do
      fs:write("/foo", tostring(i))
      if i % 10 == 0 then fs:sync() end
      fs:write("/bar" .. i % 3, tostring(i))
      fs:fsync("/bar" .. i % 3)
      fs:fsync "/foo"
      fs:mark("round " .. i)
    end
  end,
  check = function(fs, crash)
    local last = 0
    for i = 1, 30 do
      if crash:after("round " .. i) then last = i end
    end
    -- What follows the last fsync of the round may be there as well.
    local found = fs:exists "/foo" and tonumber(fs:read "/foo") or 0
    treelog.expect(found == last or found == last + 1, ("round %d, found %d"):format(last, found))
  end,
}
