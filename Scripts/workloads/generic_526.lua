return treelog.workload {
  name = "generic_526",
  doc = "Renames in a chain and an fsync of the last leave each file under its last name.",
  setup = function(fs) fs:mkdir "/d"; fs:write("/d/1", "one"); fs:write("/d/2", "two") end,
  run = function(fs)
    fs:rename("/d/1", "/d/3")
    fs:rename("/d/2", "/d/1")
    fs:link("/d/1", "/d/4")
    fs:fsync "/d/1"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "1", "3", "4" })
    treelog.expect_equal(fs:read "/d/3", "one")
    treelog.expect_equal(fs:read "/d/1", "two")
    treelog.expect_equal(fs:stat("/d/4").nlink, 2)
  end,
}
