return treelog.workload {
  name = "generic_106",
  doc = "A removed link stays away also when other links of the file are made and removed between fsyncs.",
  setup = function(fs)
    fs:mkdir "/d"; fs:create "/d/foo"; fs:link("/d/foo", "/d/foo.2")
  end,
  run = function(fs)
    fs:fsync "/d/foo"
    fs:link("/d/foo", "/d/foo.3")
    fs:unlink "/d/foo.2"
    fs:fsync "/d/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "foo", "foo.3" })
    treelog.expect_equal(fs:stat("/d/foo").nlink, 2)
    fs:unlink "/d/foo"; fs:unlink "/d/foo.3"; fs:rmdir "/d"
  end,
}
