-- What was in the file of a mark when it was synced.
local synced = {}

return treelog.workload {
  name = "generic_457",
  doc = "After each fsync in random work on files that share extents a crash leaves the synced file just as it was.",
  parameters = { operations = 120, files = 3 },
  setup = function(fs, parameters)
    for i = 1, parameters.files do fs:write("/f" .. i, ("%d"):format(i):rep(65536)) end
  end,
  run = function(fs, parameters)
    for i = 1, parameters.operations do
      local path, other = "/f" .. treelog.random(parameters.files), "/f" .. treelog.random(parameters.files)
      local offset, count = treelog.random(0, 10) * 4096, treelog.random(1, 5) * 4096
      treelog.pick {
        function() fs:write(path, treelog.random_bytes(treelog.random(1, 20000)), treelog.random(0, 60000)) end,
        function() fs:truncate(path, treelog.random(40000, 80000)) end,
        function() fs:punch(path, offset, count) end,
        function() treelog.try(fs.clone, fs, other, path, offset, count, treelog.random(0, 15) * 4096) end,
        function() treelog.try(fs.clone, fs, other, path, offset, count, treelog.random(0, 15) * 4096) end,
      }()
      if i % 6 == 0 then
        fs:fsync(path)
        synced[#synced + 1] = { mark = "sync " .. i, path = path, content = fs:read(path) }
        fs:mark("sync " .. i)
      end
    end
  end,
  check = function(fs, crash)
    local last
    for _, sync in ipairs(synced) do
      if crash:after(sync.mark) then last = sync end
    end
    if last then treelog.expect_equal(fs:read(last.path), last.content) end
  end,
}
