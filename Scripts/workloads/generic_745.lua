local function name(i) return ("user.%04d"):format(i) end
local function value(i) return ("value %04d"):format(i) end

return treelog.workload {
  name = "generic_745",
  doc = "A file with so many extended attributes that they fill several leaves has them all after the next fsync.",
  volume = { node_size = 4096 },
  parameters = { xattrs = 200 },
  setup = function(fs) fs:write("/foo", ("a"):rep(32 << 10)) end,
  run = function(fs, parameters)
    for i = 1, parameters.xattrs do fs:set_xattr("/foo", name(i), value(i)) end
    fs:sync()
    fs:mark "set"
    fs:write("/foo", ("b"):rep(16 << 10), 8 << 10)
    fs:fsync "/foo"
    fs:mark "written"
  end,
  check = function(fs, crash, parameters)
    if not crash:after "set" then return end
    treelog.expect_equal(#fs:list_xattrs "/foo", parameters.xattrs)
    for i = 1, parameters.xattrs do treelog.expect_equal(fs:get_xattr("/foo", name(i)), value(i)) end
    if not crash:after "written" then return end
    treelog.expect_equal(fs:read "/foo", ("a"):rep(8 << 10) .. ("b"):rep(16 << 10) .. ("a"):rep(8 << 10))
  end,
}
