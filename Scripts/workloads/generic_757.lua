return treelog.workload {
  name = "generic_757",
  doc = "Writes behind the end, each made durable, have their data and their checksums.",
  setup = function(fs) fs:create "/foo" end,
  run = function(fs)
    for i = 1, 10 do
      fs:append("/foo", ("%d"):format(i % 10):rep(3000))
      fs:fdatasync "/foo"
      fs:mark("append " .. i)
    end
  end,
  check = function(fs, crash)
    local content = ""
    for i = 1, 10 do
      if crash:after("append " .. i) then content = content .. ("%d"):format(i % 10):rep(3000) end
    end
    local found = fs:read "/foo"
    treelog.expect_equal(found:sub(1, #content), content)
  end,
}
