return treelog.workload {
  name = "generic_510",
  doc = "A directory whose place another one takes is under one parent only.",
  setup = function(fs)
    fs:mkdir "/p"; fs:mkdir "/p/a"; fs:mkdir "/p/b"; fs:create "/p/a/foo"; fs:create "/p/b/bar"; fs:mkdir "/q"
  end,
  run = function(fs)
    fs:rename("/p/a", "/q/a")
    fs:rename("/p/b", "/p/a")
    fs:fsync "/p/a"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/p/a", { "bar" })
    treelog.expect(not fs:exists "/p/b", "the directory is under both names")
    treelog.expect_equal(fs:readdir "/q/a", { "foo" })
  end,
}
