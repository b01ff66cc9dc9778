return treelog.workload {
  name = "generic_782",
  doc = "A new directory with a link in it is there after an fsync of the directory above, though the file was "
    .. "logged before.",
  setup = function(fs) fs:write("/foo", "foo") end,
  run = function(fs)
    fs:append("/foo", "!")
    fs:fsync "/foo"
    fs:mkdir "/d"
    fs:link("/foo", "/d/foo")
    fs:fsync "/"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/", { "d", "foo" })
    treelog.expect_equal(fs:read "/foo", "foo!")
  end,
}
