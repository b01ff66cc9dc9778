return treelog.workload {
  name = "generic_073",
  doc = "Fsynced data is there although an fsync of a directory that a file left was a full commit just before.",
  setup = function(fs)
    fs:write("/foo", ("a"):rep(8192)); fs:mkdir "/1"; fs:mkdir "/2"; fs:create "/1/bar"
  end,
  run = function(fs)
    fs:append("/foo", ("b"):rep(8192))
    fs:rename("/1/bar", "/2/bar")
    fs:fsync "/1"
    fs:mark "moved"
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "moved" then
      treelog.expect_equal(fs:readdir "/1", {})
      treelog.expect_equal(fs:readdir "/2", { "bar" })
    end
    if crash:after "done" then treelog.expect_equal(fs:read "/foo", ("a"):rep(8192) .. ("b"):rep(8192)) end
  end,
}
