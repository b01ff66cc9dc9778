-- All that is below a directory: paths and types, those of directories before what is in them. Files are read.
local function find_all(fs, directory, found)
  found = found or {}
  for _, name in ipairs(fs:readdir(directory)) do
    local path = (directory .. "/" .. name):gsub("^//", "/")
    local type = fs:stat(path).type
    found[#found + 1] = { path = path, type = type }
    if type == "directory" then
      find_all(fs, path, found)
    elseif type == "file" then
      fs:read(path)
    end
  end
  return found
end

return treelog.workload {
  name = "random_subvolumes",
  doc = "After each fsync in random work on names, directories and subvolumes the volume can be mounted, read and "
    .. "emptied.",
  parameters = { operations = 80 },
  setup = function(fs)
    fs:mkdir "/a"; fs:mkdir "/b"; fs:mkdir "/a/c"; fs:write("/a/d", ("d"):rep(9000))
    fs:subvolume "/b/d"; fs:mkdir "/b/d/a"; fs:write("/b/d/a/b", "b")
    fs:subvolume "/a/c/d"; fs:snapshot("/b/d", "/d")
  end,
  run = function(fs, parameters)
    local all
    local function any()
      local path = ""
      for _ = 1, treelog.random(2) do path = path .. "/" .. treelog.pick { "a", "b", "c", "d", "e" } end
      return path
    end
    -- Mostly something that is there.
    local function known() return #all > 0 and treelog.random(4) > 1 and treelog.pick(all).path or any() end
    local operations = {
      function() treelog.try(fs.mkdir, fs, any()) end,
      function()
        local path = any()
        treelog.try(fs.write, fs, path, treelog.random_bytes(treelog.random(9000)), treelog.random(0, 9000))
        treelog.try(fs.fsync, fs, path)
      end,
      function() treelog.try(fs.symlink, fs, "target", any()) end,
      function() treelog.try(fs.link, fs, known(), any()) end,
      function() treelog.try(fs.unlink, fs, known()) end,
      function() treelog.try(fs.rmdir, fs, known()) end,
      function() treelog.try(fs.rename, fs, known(), any()) end,
      function() treelog.try(fs.rename, fs, known(), known()) end,
      function() treelog.try(fs.rename, fs, known(), known(), "exchange") end,
      function() treelog.try(fs.subvolume, fs, any()) end,
      function() treelog.try(fs.snapshot, fs, treelog.pick { "/", "/b/d", "/d" }, any()) end,
      function() treelog.try(fs.delete_subvolume, fs, known()) end,
      function() treelog.try(fs.delete_subvolume, fs, known()) end,
    }
    for i = 1, parameters.operations do
      if i % 8 == 1 then all = find_all(fs, "/") end
      treelog.pick(operations)()
      if i % 4 == 0 then treelog.try(fs.fsync, fs, known()) end
    end
  end,
  check = function(fs)
    local all = find_all(fs, "/")
    fs:write("/after", "the crash")
    fs:fsync "/after"
    for i = #all, 1, -1 do
      local one = all[i]
      if one.type ~= "directory" then
        fs:unlink(one.path)
      elseif not treelog.try(fs.delete_subvolume, fs, one.path) then
        fs:rmdir(one.path)
      end
    end
    treelog.expect_equal(fs:readdir "/", { "after" })
  end,
}
