-- Of each file: what was in it when it became durable, and the mark that was set after.
local states = {}

return treelog.workload {
  name = "generic_455",
  doc = "At each flush of the device in random work each file is as it was at its last fsync, or at the one under way.",
  crashes = "flushes",
  parameters = { operations = 120, files = 3 },
  setup = function(fs, parameters)
    for i = 1, parameters.files do
      fs:create("/f" .. i)
      states["/f" .. i] = { { content = "" } }
    end
  end,
  run = function(fs, parameters)
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
        -- A commit makes the other files durable too.
        local all = fs:fsync(path).outcome == "full_commit"
        for other, list in pairs(states) do
          if all or other == path then list[#list + 1] = { mark = "sync " .. i, content = fs:read(other) } end
        end
        fs:mark("sync " .. i)
      end
    end
  end,
  check = function(fs, crash)
    for path, list in pairs(states) do
      local last = 1
      while list[last + 1] and crash:after(list[last + 1].mark) do last = last + 1 end
      local content, coming = fs:read(path), list[last + 1]
      if not coming or content ~= coming.content then treelog.expect_equal(content, list[last].content, path) end
    end
  end,
}
