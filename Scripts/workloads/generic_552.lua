return treelog.workload {
  name = "generic_552",
  doc = "A file that was logged, and gets a link and then loses its first name, is there under the link.",
  setup = function(fs) fs:mkdir "/d" end,
  run = function(fs)
    fs:write("/d/foo", "foo")
    fs:fsync "/d/foo"
    fs:link("/d/foo", "/d/bar")
    fs:unlink "/d/foo"
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "bar" })
    treelog.expect_equal(fs:read "/d/bar", "foo")
  end,
}
