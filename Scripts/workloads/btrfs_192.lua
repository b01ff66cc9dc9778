-- The contents of the files of a directory.
local function contents(fs, directory)
  local files = {}
  for _, name in ipairs(fs:readdir(directory)) do
    local path = directory .. "/" .. name
    if fs:stat(path).type == "file" then files[name] = fs:read(path) end
  end
  return files
end

return treelog.workload {
  name = "btrfs_192",
  doc = "After each flush of the device in work with snapshots a snapshot can be made, read and deleted.",
  crashes = "flushes",
  parameters = { rounds = 24 },
  setup = function(fs) fs:subvolume "/work"; fs:mkdir "/snaps" end,
  run = function(fs, parameters)
    for i = 1, parameters.rounds do
      local path = "/work/f" .. treelog.random(6)
      fs:write(path, treelog.random_bytes(treelog.random(1, 30000)))
      fs:fsync(path)
      treelog.try(fs.rename, fs, path, "/work/f" .. treelog.random(6))
      if i % 8 == 0 then fs:snapshot("/work", "/snaps/s" .. i) end
      if i % 8 == 4 and i > 8 then fs:delete_subvolume("/snaps/s" .. i - 4) end
    end
  end,
  check = function(fs)
    fs:snapshot("/work", "/snaps/now", "read_only")
    treelog.expect_equal(contents(fs, "/snaps/now"), contents(fs, "/work"))
    fs:delete_subvolume "/snaps/now"
    treelog.expect(not fs:exists "/snaps/now", "the snapshot is gone")
  end,
}
