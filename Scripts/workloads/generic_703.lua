return treelog.workload {
  name = "generic_703",
  doc = "Each write that is followed by fdatasync is there, with its checksums.",
  setup = function(fs) fs:create "/foo"; fs:allocate("/foo", 0, 64 << 10) end,
  run = function(fs)
    for i = 0, 7 do
      fs:write("/foo", ("%d"):format(i):rep(4096), i * 8192)
      fs:fdatasync "/foo"
      fs:mark("write " .. i)
    end
  end,
  check = function(fs, crash)
    for i = 0, 7 do
      if crash:after("write " .. i) then
        treelog.expect_equal(fs:read("/foo", i * 8192, 4096), ("%d"):format(i):rep(4096))
      end
    end
  end,
}
