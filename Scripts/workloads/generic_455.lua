-- What was in the file of a mark when it was synced.
local synced = {}

return treelog.workload {
  name = "generic_455",
  doc = "After each fsync in random work on files a crash leaves the synced file just as it was.",
  parameters = { operations = 120, files = 3 },
  run = function(fs, parameters)
    for i = 1, parameters.files do fs:create("/f" .. i) end
    for i = 1, parameters.operations do
      local path = "/f" .. treelog.random(parameters.files)
      local offset, count = treelog.random(0, 60000), treelog.random(1, 20000)
      treelog.pick {
        function() fs:write(path, treelog.random_bytes(count), offset) end,
        function() fs:append(path, treelog.random_bytes(count)) end,
        function() fs:truncate(path, offset) end,
        function() fs:punch(path, offset, count) end,
        function() fs:zero(path, offset, count) end,
        function() fs:allocate(path, offset, count) end,
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
