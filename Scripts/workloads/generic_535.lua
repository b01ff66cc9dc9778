return treelog.workload {
  name = "generic_535",
  doc = "Permissions that were changed are there after the fsync, of a file and of a directory.",
  setup = function(fs) fs:mkdir "/d"; fs:create "/d/foo" end,
  run = function(fs)
    fs:chmod("/d/foo", tonumber("640", 8))
    fs:fsync "/d/foo"
    fs:mark "file"
    fs:chmod("/d", tonumber("700", 8))
    fs:fsync "/d"
    fs:mark "directory"
  end,
  check = function(fs, crash)
    if crash:after "file" then treelog.expect_equal(fs:stat("/d/foo").mode, tonumber("640", 8)) end
    if crash:after "directory" then treelog.expect_equal(fs:stat("/d").mode, tonumber("700", 8)) end
  end,
}
