local expected

-- What can be seen of the files in /d.
local function contents(fs)
  local files = {}
  for _, name in ipairs(fs:readdir "/d") do
    local path, xattrs = "/d/" .. name, {}
    for _, xattr in ipairs(fs:list_xattrs(path)) do xattrs[xattr] = fs:get_xattr(path, xattr) end
    local stat = fs:stat(path)
    files[name] = { inode = stat.inode, nlink = stat.nlink, content = fs:read(path), xattrs = xattrs }
  end
  return files
end

return treelog.workload {
  name = "generic_547",
  doc = "After random work and an fsync of everything all is as it was.",
  parameters = { operations = 150, files = 8 },
  setup = function(fs) fs:mkdir "/d" end,
  run = function(fs, parameters)
    local function name() return "/d/f" .. treelog.random(parameters.files) end
    local operations = {
      function() fs:write(name(), treelog.random_bytes(treelog.random(1, 20000)), treelog.random(0, 50000)) end,
      function() treelog.try(fs.truncate, fs, name(), treelog.random(0, 60000)) end,
      function() treelog.try(fs.rename, fs, name(), name()) end,
      function() treelog.try(fs.link, fs, name(), name()) end,
      function() treelog.try(fs.unlink, fs, name()) end,
      function() treelog.try(fs.set_xattr, fs, name(), "user." .. treelog.random(3), treelog.random_bytes(20)) end,
      function() treelog.try(fs.punch, fs, name(), treelog.random(0, 40000), treelog.random(1, 20000)) end,
    }
    for i = 1, parameters.operations do
      treelog.pick(operations)()
      if i % 10 == 0 then treelog.try(fs.fsync, fs, name()) end
    end
    for _, file in ipairs(fs:readdir "/d") do fs:fsync("/d/" .. file) end
    fs:fsync "/d"
    fs:mark "done"
    expected = contents(fs)
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(contents(fs), expected) end
  end,
}
