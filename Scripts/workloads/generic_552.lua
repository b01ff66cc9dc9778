return treelog.workload {
  name = "generic_552",
  doc = "Data that was written before an fsync of another file is there when its file is renamed and fsynced.",
  run = function(fs)
    fs:mkdir "/d"; fs:create "/d/foo"
    fs:write("/d/bar", ("a"):rep(4096))
    fs:fsync "/d/foo"
    fs:mark "foo"
    fs:rename("/d/bar", "/d/baz")
    fs:fsync "/d/baz"
    fs:mark "baz"
  end,
  check = function(fs, crash)
    if crash:after "foo" then treelog.expect(fs:exists "/d/foo", "the synced file is missing") end
    if not crash:after "baz" then return end
    treelog.expect_equal(fs:readdir "/d", { "baz", "foo" })
    treelog.expect_equal(fs:read "/d/baz", ("a"):rep(4096))
  end,
}
