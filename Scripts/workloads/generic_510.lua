return treelog.workload {
  name = "generic_510",
  doc = "A file moves into a directory that then takes the place of the one the file came from: it has one parent.",
  setup = function(fs)
    fs:mkdir "/d"; fs:mkdir "/d/a"; fs:mkdir "/d/b"; fs:write("/d/b/bar", "bar")
  end,
  run = function(fs)
    fs:rename("/d/b/bar", "/d/a/bar")
    fs:rename("/d/a", "/d/b")
    fs:fsync "/d/b/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "b" })
    treelog.expect_equal(fs:readdir "/d/b", { "bar" })
    treelog.expect_equal(fs:read "/d/b/bar", "bar")
  end,
}
