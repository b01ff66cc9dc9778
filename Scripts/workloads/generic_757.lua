-- What has been written at each place, in order, with the mark after it.
local writes = {}

return treelog.workload {
  name = "generic_757",
  doc = "At each flush of the device in random writes, each made durable, all data can be read and is that of the last "
    .. "write or the one under way.",
  crashes = "flushes",
  parameters = { writes = 40, blocks = 64 },
  setup = function(fs) fs:create "/foo" end,
  run = function(fs, parameters)
    for i = 1, parameters.writes do
      local place = treelog.random(0, parameters.blocks - 1)
      local bytes = treelog.random_bytes(4096)
      writes[place] = writes[place] or { { bytes = ("\0"):rep(4096) } }
      table.insert(writes[place], { mark = "write " .. i, bytes = bytes })
      fs:write("/foo", bytes, place * 4096)
      fs:fdatasync "/foo"
      fs:mark("write " .. i)
    end
  end,
  check = function(fs, crash)
    local size = fs:stat("/foo").size
    for place, list in pairs(writes) do
      local last = 1
      while list[last + 1] and crash:after(list[last + 1].mark) do last = last + 1 end
      if place * 4096 < size then
        local found, coming = fs:read("/foo", place * 4096, 4096), list[last + 1]
        if not coming or found ~= coming.bytes then treelog.expect_equal(found, list[last].bytes) end
      else
        treelog.expect_equal(last, 1)
      end
    end
  end,
}
