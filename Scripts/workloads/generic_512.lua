return treelog.workload {
  name = "generic_512",
  doc = "A small file and a little space reserved behind its end, in the same block: size and data are right.",
  run = function(fs)
    fs:write("/foo", ("b"):rep(21))
    fs:allocate("/foo", 40, 40)
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "done" then treelog.expect_equal(fs:read "/foo", ("b"):rep(21) .. ("\0"):rep(59)) end
  end,
}
