-- Size, reserved bytes and content of a file.
local function expect_file(fs, path, size, nbytes, letter)
  local stat = fs:stat(path)
  treelog.expect_equal(stat.size, size, path)
  treelog.expect_equal(stat.nbytes, nbytes, path)
  treelog.expect_equal(fs:read(path), letter:rep(size), path)
end

return treelog.workload {
  name = "generic_483",
  doc = "Space that was reserved behind the end of a file is reserved after the fsync, whatever the file was before.",
  setup = function(fs)
    fs:write("/foo", ("a"):rep(256 << 10))
    for i = 0, 127 do fs:write("/bar", ("b"):rep(4096), i * 4096) end
    fs:write("/baz", ("c"):rep(256 << 10)); fs:allocate("/baz", 256 << 10, 768 << 10, "keep_size")
  end,
  run = function(fs)
    fs:allocate("/foo", 256 << 10, 1 << 20, "keep_size")
    fs:fsync "/foo"
    fs:mark "foo"
    fs:truncate("/bar", 256 << 10)
    fs:allocate("/bar", 256 << 10, 1 << 20, "keep_size")
    fs:fsync "/bar"
    fs:mark "bar"
    fs:allocate("/baz", 1 << 20, 2 << 20, "keep_size")
    fs:fsync "/baz"
    fs:mark "baz"
  end,
  check = function(fs, crash)
    if crash:after "foo" then expect_file(fs, "/foo", 256 << 10, 1280 << 10, "a") end
    if crash:after "bar" then expect_file(fs, "/bar", 256 << 10, 1280 << 10, "b") end
    if crash:after "baz" then expect_file(fs, "/baz", 256 << 10, 3 << 20, "c") end
  end,
}
