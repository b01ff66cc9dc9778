local outcome

return treelog.workload {
  name = "generic_546",
  doc = "On a full volume, data that went into reserved space that a clone shares is not lost, or the write fails.",
  run = function(fs)
    fs:create "/foo"; fs:create "/bar"; fs:create "/fill"
    fs:allocate("/foo", 0, 4 << 20)
    fs:clone("/foo", "/bar")
    fs:sync()
    local i, more = 0, true
    while more do
      more = treelog.try(fs.allocate, fs, "/fill", i * (4 << 20), 4 << 20)
      i = i + 1
    end
    local written = treelog.try(fs.write, fs, "/foo", ("a"):rep(4096)) and treelog.try(fs.fsync, fs, "/foo")
    fs:mark(written and "written" or "refused")
    outcome = written and "written" or "refused"
  end,
  check = function(fs, crash)
    if fs:exists "/bar" then treelog.expect_equal(fs:read("/bar", 0, 4096), ("\0"):rep(4096)) end
    if outcome == "written" and crash:after "written" then
      treelog.expect_equal(fs:read("/foo", 0, 4096), ("a"):rep(4096))
    end
  end,
}
