-- A new file, the link it gets, and what may be synced then: one of its names, a directory or another file.
local cases = {
  { "foo", "bar", ".", "foo", "bar" },
  { "foo", "a/bar", ".", "foo", "bar", "a", "a/bar", "a/foo" },
  { "a/foo", "bar", ".", "foo", "bar", "a", "a/bar", "a/foo" },
  { "a/foo", "a/bar", ".", "a", "a/bar", "a/foo" },
  { "bar", "a/bar", ".", "foo", "bar", "a", "a/bar", "a/foo" },
  { "a/bar", "bar", ".", "foo", "bar", "a", "a/bar", "a/foo" },
}

return treelog.workload {
  name = "generic_520",
  doc = "Whichever name of a new file is synced, all its names are there, and its count of them is right.",
  run = function(fs)
    for i, case in ipairs(cases) do
      for j = 3, #case do
        local top = ("/%d.%d/"):format(i, j)
        fs:mkdir(top); fs:mkdir(top .. "a")
        local old, new, synced = top .. case[1], top .. case[2], top .. case[j]
        fs:create(old)
        fs:link(old, new)
        if not fs:exists(synced) then fs:create(synced) end
        fs:fsync(synced)
        fs:mark(top)
      end
    end
  end,
  check = function(fs, crash)
    for i, case in ipairs(cases) do
      for j = 3, #case do
        local top = ("/%d.%d/"):format(i, j)
        if crash:after(top) then
          local old, new, synced = top .. case[1], top .. case[2], top .. case[j]
          treelog.expect(fs:exists(synced), synced .. " was synced")
          if synced == old or synced == new then
            treelog.expect_equal(fs:stat(old).inode, fs:stat(new).inode, top)
            treelog.expect_equal(fs:stat(old).nlink, 2, top)
          end
        end
      end
    end
  end,
}
