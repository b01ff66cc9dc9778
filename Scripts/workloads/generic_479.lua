return treelog.workload {
  name = "generic_479",
  doc = "Special files that were renamed, and then got their old names back as links, do not keep the log from being "
    .. "replayed.",
  setup = function(fs)
    fs:mkdir "/d"
    fs:mknod("/d/fifo", "fifo"); fs:mknod("/d/device", "character", 1, 3); fs:symlink("target", "/d/symlink")
  end,
  run = function(fs)
    -- There is a log already when names change.
    fs:create "/d/f1"
    fs:fsync "/d/f1"
    for _, name in ipairs { "fifo", "device", "symlink" } do
      fs:rename("/d/" .. name, "/d/" .. name .. ".new")
      fs:link("/d/" .. name .. ".new", "/d/" .. name)
    end
    fs:create "/f2"
    fs:fsync "/f2"
    fs:mark "done"
  end,
  check = function(fs, crash)
    for _, name in ipairs { "fifo", "device", "symlink" } do
      local path = "/d/" .. name
      local stat = fs:stat(fs:exists(path) and path or path .. ".new")
      treelog.expect_equal(stat.type, name == "device" and "character" or name)
      -- The names were not synced: there are one or both.
      local both = fs:exists(path) and fs:exists(path .. ".new")
      treelog.expect_equal(stat.nlink, both and 2 or 1, name)
    end
    if crash:after "done" then treelog.expect(fs:exists "/f2", "the synced file is missing") end
  end,
}
