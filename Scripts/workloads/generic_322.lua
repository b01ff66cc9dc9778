return treelog.workload {
  name = "generic_322",
  doc = "A file that was renamed and fsynced has the new name only.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b"; fs:write("/a/foo", "foo") end,
  run = function(fs)
    fs:rename("/a/foo", "/b/bar")
    fs:fsync "/b/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect(not fs:exists "/a/foo", "the old name is back")
    treelog.expect_equal(fs:read "/b/bar", "foo")
  end,
}
