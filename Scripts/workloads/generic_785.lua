return treelog.workload {
  name = "generic_785",
  doc = "A logged file is renamed after a directory with a file was made beside it: all is there after an fsync of the "
    .. "directory above.",
  setup = function(fs) fs:create "/1" end,
  run = function(fs)
    fs:write("/1", ("a"):rep(1000))
    fs:fsync "/1"
    fs:mark "file"
    fs:mkdir "/d"; fs:create "/d/foo"
    fs:rename("/1", "/2")
    fs:fsync "/"
    fs:mark "directory"
  end,
  check = function(fs, crash)
    if crash:after "file" then treelog.expect_equal(fs:read(fs:exists "/1" and "/1" or "/2"), ("a"):rep(1000)) end
    if not crash:after "directory" then return end
    treelog.expect_equal(fs:readdir "/", { "2", "d" })
    treelog.expect_equal(fs:readdir "/d", { "foo" })
  end,
}
