return treelog.workload {
  name = "generic_771",
  doc = "A new file with data that lost its name and was fsynced through an open file does not keep the volume from "
    .. "being mounted.",
  run = function(fs)
    fs:mkdir "/d"
    fs:write("/d/foo", ("a"):rep(65536))
    local file = fs:open "/d/foo"
    fs:unlink "/d/foo"
    fs:fsync(file)
    -- Its number is higher, and it has a name.
    fs:create "/d/bar"
    fs:fsync "/d/bar"
    fs:mark "done"
    fs:close(file)
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(fs:readdir "/d", { "bar" }) end
  end,
}
