return treelog.workload {
  name = "generic_779",
  doc = "A symbolic link that was logged with its directory and then renamed has the new name only, and its target.",
  run = function(fs)
    fs:mkdir "/d"; fs:symlink("target", "/d/old")
    fs:fsync "/d"
    fs:mark "made"
    fs:rename("/d/old", "/d/new")
    fs:fsync "/d"
    fs:mark "renamed"
  end,
  check = function(fs, crash)
    if not crash:after "made" then return end
    local names = fs:readdir "/d"
    treelog.expect_equal(#names, 1)
    treelog.expect_equal(fs:readlink("/d/" .. names[1]), "target")
    if crash:after "renamed" then treelog.expect_equal(names, { "new" }) end
  end,
}
