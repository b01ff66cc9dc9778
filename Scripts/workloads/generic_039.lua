return treelog.workload {
  name = "generic_039",
  doc = "A name that was removed before the fsync of its file does not come back, and leaves nothing behind.",
  setup = function(fs)
    fs:mkdir "/d"; fs:write("/d/foo", "one"); fs:link("/d/foo", "/d/bar")
  end,
  run = function(fs)
    fs:unlink "/d/bar"
    fs:fsync "/d/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "foo" })
    treelog.expect_equal(fs:stat("/d/foo").nlink, 1)
    fs:unlink "/d/foo"; fs:rmdir "/d"
  end,
}
