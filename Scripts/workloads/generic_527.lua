return treelog.workload {
  name = "generic_527",
  doc = "A link of a file takes the name of another file's link, and both keep what is theirs.",
  setup = function(fs)
    fs:mkdir "/d"; fs:write("/d/1", "one"); fs:link("/d/1", "/d/2"); fs:write("/d/bar", "bar")
  end,
  run = function(fs)
    fs:rename("/d/2", "/d/3")
    fs:rename("/d/bar", "/d/2")
    fs:append("/d/1", "!")
    fs:fsync "/d/1"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/d/1", "one!")
    treelog.expect_equal(fs:stat("/d/1").nlink, 2)
    treelog.expect_equal(fs:read "/d/3", "one!")
    treelog.expect(fs:exists "/d/2" ~= fs:exists "/d/bar", "the other file has one name")
    treelog.expect_equal(fs:read(fs:exists "/d/2" and "/d/2" or "/d/bar"), "bar")
  end,
}
