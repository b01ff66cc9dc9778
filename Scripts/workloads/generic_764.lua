return treelog.workload {
  name = "generic_764",
  doc = "A file that lost its last name is not back after an fsync through an open file.",
  setup = function(fs) fs:mkdir "/d" end,
  run = function(fs)
    fs:write("/d/foo", "foo")
    local file = fs:open "/d/foo"
    fs:fsync(file)
    fs:unlink "/d/foo"
    fs:fsync(file)
    fs:fsync "/d"
    fs:mark "done"
    fs:close(file)
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(fs:readdir "/d", {}) end
  end,
}
