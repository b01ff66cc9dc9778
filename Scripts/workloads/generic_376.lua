return treelog.workload {
  name = "generic_376",
  doc = "A file was renamed, a new one has its old name: after an fsync of the renamed one both are there.",
  setup = function(fs) fs:mkdir "/d"; fs:write("/d/foo", "old") end,
  run = function(fs)
    fs:rename("/d/foo", "/d/bar")
    fs:create "/d/foo"
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/d", { "bar", "foo" })
    treelog.expect_equal(fs:read "/d/bar", "old")
    treelog.expect_equal(fs:read "/d/foo", "")
  end,
}
