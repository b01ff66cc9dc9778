return treelog.workload {
  name = "generic_785",
  doc = "A logged file that moved into a new directory is there, with the directory, after an fsync of the "
    .. "directory above.",
  setup = function(fs) fs:mkdir "/p" end,
  run = function(fs)
    fs:write("/p/foo", "foo")
    fs:fsync "/p/foo"
    fs:mkdir "/p/d"
    fs:rename("/p/foo", "/p/d/foo")
    fs:fsync "/p"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/p", { "d" })
    treelog.expect_equal(fs:read "/p/d/foo", "foo")
  end,
}
