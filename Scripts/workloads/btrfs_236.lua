local content = ("b"):rep(256 << 10)
-- The times that the files had at their last fsync.
local times = {}

return treelog.workload {
  name = "btrfs_236",
  doc = "A logged file gets another name and is written, another file is fsynced, then this one: data and times are "
    .. "there.",
  run = function(fs)
    for _, nocow in ipairs { false, true } do
      for _, change in ipairs { "rename", "link" } do
        local name = "/" .. change .. (nocow and ".nocow" or "")
        fs:create(name .. ".old"); fs:create(name .. ".other")
        fs:set_nocow(name .. ".old", nocow)
        fs:write(name .. ".old", ("a"):rep(256 << 10))
        fs:fsync(name .. ".old")
        fs[change](fs, name .. ".old", name)
        fs:write(name, content)
        fs:fsync(name .. ".other")
        fs:fsync(name)
        local stat = fs:stat(name)
        times[name] = { stat.mtime, stat.ctime }
        fs:mark(name)
      end
    end
  end,
  check = function(fs, crash)
    for name, expected in pairs(times) do
      if crash:after(name) then
        local stat = fs:stat(name)
        treelog.expect_equal(fs:read(name), content, name)
        treelog.expect_equal({ stat.mtime, stat.ctime }, expected, name)
        treelog.expect_equal(stat.nlink, fs:exists(name .. ".old") and 2 or 1, name)
      end
    end
  end,
}
