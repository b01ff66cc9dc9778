return treelog.workload {
  name = "generic_534",
  doc = "A file that was fsynced, made shorter and renamed has the new size, under the new name only.",
  run = function(fs)
    fs:write("/foo", ("a"):rep(8000))
    fs:fsync "/foo"
    fs:truncate("/foo", 3000)
    fs:rename("/foo", "/bar")
    fs:fsync "/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/bar", ("a"):rep(3000))
    treelog.expect(not fs:exists "/foo", "the old name is back")
  end,
}
