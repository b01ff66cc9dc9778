return treelog.workload {
  name = "generic_073",
  doc = "Fsynced data is there although another file moved between directories before.",
  setup = function(fs)
    fs:mkdir "/1"; fs:mkdir "/2"; fs:create "/1/foo"; fs:write("/1/bar", "bar")
  end,
  run = function(fs)
    fs:rename("/1/bar", "/2/bar")
    fs:write("/1/foo", ("f"):rep(8192))
    fs:fsync "/1/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/1/foo", ("f"):rep(8192))
    treelog.expect(fs:exists "/1/bar" ~= fs:exists "/2/bar", "the moved file is in one place")
  end,
}
