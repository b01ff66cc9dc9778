return treelog.workload {
  name = "generic_526",
  doc = "Renames, a link with the name of a renamed file and a new file with that of the other: each name is right.",
  setup = function(fs) fs:mkdir "/d"; fs:write("/d/1", "one"); fs:write("/d/2", "two") end,
  run = function(fs)
    fs:rename("/d/1", "/d/3")
    fs:rename("/d/2", "/d/4")
    fs:link("/d/3", "/d/2")
    fs:write("/d/1", "new")
    fs:fsync "/d/1"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "1", "2", "3", "4" })
    for i, content in ipairs { "new", "one", "one", "two" } do
      treelog.expect_equal(fs:read("/d/" .. i), content, "/d/" .. i)
    end
    treelog.expect_equal(fs:stat("/d/3").nlink, 2)
  end,
}
