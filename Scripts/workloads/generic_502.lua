return treelog.workload {
  name = "generic_502",
  doc = "Two files that move up by one name, and a new one, are all there under the right names.",
  setup = function(fs) fs:mkdir "/d"; fs:write("/d/foo", "1"); fs:write("/d/bar", "2") end,
  run = function(fs)
    fs:rename("/d/foo", "/d/baz")
    fs:rename("/d/bar", "/d/foo")
    fs:write("/d/bar", "3")
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "bar", "baz", "foo" })
    treelog.expect_equal(fs:read "/d/baz", "1")
    treelog.expect_equal(fs:read "/d/foo", "2")
    treelog.expect_equal(fs:read "/d/bar", "3")
  end,
}
