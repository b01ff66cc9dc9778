local kib <const> = 1 << 10

return treelog.workload {
  name = "generic_703",
  doc = "Writes into reserved space that were made durable are there, with checksums or, in a file without, in place.",
  setup = function(fs)
    for _, path in ipairs { "/cow", "/nocow" } do
      fs:create(path)
      fs:set_nocow(path, path == "/nocow")
      fs:allocate(path, 0, 512 * kib)
    end
  end,
  run = function(fs)
    for i = 0, 7 do
      for _, path in ipairs { "/cow", "/nocow" } do
        fs:write(path, ("%d"):format(i):rep(64 * kib), i * 5 % 8 * 64 * kib)
        fs:fdatasync(path)
      end
      fs:mark("write " .. i)
    end
  end,
  check = function(fs, crash)
    for i = 0, 7 do
      if crash:after("write " .. i) then
        for _, path in ipairs { "/cow", "/nocow" } do
          treelog.expect_equal(fs:read(path, i * 5 % 8 * 64 * kib, 64 * kib), ("%d"):format(i):rep(64 * kib), path)
        end
      end
    end
  end,
}
