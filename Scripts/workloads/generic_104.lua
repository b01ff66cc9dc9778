return treelog.workload {
  name = "generic_104",
  doc = "New links of two files, of which one is fsynced, leave a directory that can be emptied and removed.",
  setup = function(fs) fs:mkdir "/d"; fs:create "/d/foo"; fs:create "/d/bar" end,
  run = function(fs)
    fs:link("/d/foo", "/d/foo.link"); fs:link("/d/bar", "/d/bar.link")
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/d/bar.link").nlink, 2)
    for _, name in ipairs(fs:readdir "/d") do fs:unlink("/d/" .. name) end
    fs:rmdir "/d"
  end,
}
