return treelog.workload {
  name = "btrfs_239",
  doc = "A directory that moved out of a large, logged one is in one place when a file in that is fsynced.",
  volume = { node_size = 4096 },
  parameters = { files = 120 },
  setup = function(fs, parameters)
    fs:mkdir "/d"
    for i = 1, parameters.files do fs:create("/d/file" .. i) end
    fs:mkdir "/d/x"
  end,
  run = function(fs)
    -- Changes the first of several leaves with items of the directory.
    fs:chmod("/d", tonumber("700", 8))
    fs:fsync "/d"
    fs:mark "directory"
    fs:rename("/d/x", "/x")
    fs:write("/d/file1", ("a"):rep(64 << 10))
    fs:fsync "/d/file1"
    fs:mark "file"
  end,
  check = function(fs, crash)
    treelog.expect(fs:exists "/d/x" ~= fs:exists "/x", "the directory is in one place")
    if crash:after "directory" then treelog.expect_equal(fs:stat("/d").mode, tonumber("700", 8)) end
    if crash:after "file" then treelog.expect_equal(fs:read "/d/file1", ("a"):rep(64 << 10)) end
  end,
}
