return treelog.workload {
  name = "btrfs_240",
  doc = "Small writes into a reservation, each made durable, leave a file that can be read.",
  setup = function(fs) fs:create "/foo"; fs:allocate("/foo", 0, 256 << 10) end,
  run = function(fs)
    for i = 1, 24 do
      local offset = (i * 7 % 24) * 8192 + 1000
      fs:write("/foo", ("%d"):format(i % 10):rep(3000), offset)
      fs:fdatasync "/foo"
      fs:mark("write " .. i)
    end
  end,
  check = function(fs, crash)
    treelog.expect_equal(fs:stat("/foo").size, 256 << 10)
    for i = 1, 24 do
      if crash:after("write " .. i) then
        local found = fs:read("/foo", (i * 7 % 24) * 8192 + 1000, 3000)
        treelog.expect_equal(found, ("%d"):format(i % 10):rep(3000))
      end
    end
  end,
}
