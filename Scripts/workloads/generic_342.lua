return treelog.workload {
  name = "generic_342",
  doc = "A file that gave its name to a new one keeps its content under the new name.",
  setup = function(fs) fs:mkdir "/a"; fs:write("/a/foo", "old") end,
  run = function(fs)
    fs:rename("/a/foo", "/a/bar")
    fs:write("/a/foo", "new")
    fs:fsync "/a/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/a/foo", "new")
    treelog.expect_equal(fs:read "/a/bar", "old")
  end,
}
