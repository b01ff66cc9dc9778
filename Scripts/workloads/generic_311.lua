-- The content after each fsync.
local contents = {}

return treelog.workload {
  name = "generic_311",
  doc = "A file that is written at random and fsynced now and then is as it was at the last fsync, or a later one.",
  parameters = { writes = 60, size = 65536 },
  run = function(fs, parameters)
    local content = ""
    contents[0] = content
    for i = 1, parameters.writes do
      local offset = treelog.random(0, parameters.size)
      local bytes = treelog.random_bytes(treelog.random(1, 9000))
      fs:write("/foo", bytes, offset)
      if #content < offset then content = content .. ("\0"):rep(offset - #content) end
      content = content:sub(1, offset) .. bytes .. content:sub(offset + #bytes + 1)
      if i % 5 == 0 then
        fs:fsync "/foo"
        fs:mark("fsync " .. #contents + 1)
        contents[#contents + 1] = content
      end
    end
  end,
  check = function(fs, crash)
    local last = 0
    while contents[last + 1] and crash:after("fsync " .. last + 1) do last = last + 1 end
    local content = fs:exists "/foo" and fs:read "/foo" or ""
    if content ~= contents[last + 1] then treelog.expect_equal(content, contents[last]) end
  end,
}
