return treelog.workload {
  name = "generic_690",
  doc = "A new symbolic link in a new directory has its target after an fsync of the directory above.",
  setup = function(fs) fs:mkdir "/d" end,
  run = function(fs)
    fs:mkdir "/d/e"
    fs:symlink("target", "/d/e/link")
    fs:fsync "/d/e"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readlink "/d/e/link", "target")
  end,
}
