-- Reads all that is in a directory and below; counts the files.
local function read_all(fs, directory)
  local count = 0
  for _, name in ipairs(fs:readdir(directory)) do
    local path = (directory .. "/" .. name):gsub("^//", "/")
    local type = fs:stat(path).type
    if type == "directory" then
      count = count + read_all(fs, path)
    elseif type == "file" then
      fs:read(path)
      count = count + 1
    end
  end
  return count
end

return treelog.workload {
  name = "generic_482",
  doc = "After each flush of the device in random work the volume can be mounted, read, written and unmounted.",
  crashes = "flushes",
  parameters = { operations = 200 },
  setup = function(fs)
    for i = 1, 4 do fs:mkdir("/d" .. i) end
    fs:write("/stays", ("stays"):rep(1000))
  end,
  run = function(fs, parameters)
    local function path() return "/d" .. treelog.random(4) .. "/" .. treelog.pick { "a", "b", "c", "e" } end
    for _ = 1, parameters.operations do
      treelog.pick {
        function() treelog.try(fs.write, fs, path(), treelog.random_bytes(treelog.random(1, 30000)), 0) end,
        function() treelog.try(fs.mkdir, fs, path()) end,
        function() treelog.try(fs.rename, fs, path(), path()) end,
        function() treelog.try(fs.rename, fs, path(), path(), "exchange") end,
        function() treelog.try(fs.link, fs, path(), path()) end,
        function() treelog.try(fs.unlink, fs, path()) end,
        function() treelog.try(fs.rmdir, fs, path()) end,
        function() treelog.try(fs.truncate, fs, path(), treelog.random(0, 40000)) end,
        function() treelog.try(fs.fsync, fs, path()) end,
        function() treelog.try(fs.fsync, fs, "/d" .. treelog.random(4)) end,
      }()
    end
    fs:sync()
  end,
  check = function(fs)
    local count = read_all(fs, "/")
    treelog.expect_equal(fs:read "/stays", ("stays"):rep(1000))
    fs:write("/after", "the crash")
    fs:fsync "/after"
    treelog.expect_equal(read_all(fs, "/"), count + 1)
  end,
}
