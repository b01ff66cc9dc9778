return treelog.workload {
  name = "generic_341",
  doc = "A directory that gave its name to a new one keeps its files.",
  setup = function(fs)
    fs:mkdir "/a"; fs:mkdir "/a/x"; fs:create "/a/x/foo"; fs:create "/a/x/bar"
  end,
  run = function(fs)
    fs:rename("/a/x", "/a/y")
    fs:mkdir "/a/x"
    fs:fsync "/a/x"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/a", { "x", "y" })
    treelog.expect_equal(fs:readdir "/a/x", {})
    treelog.expect_equal(fs:readdir "/a/y", { "bar", "foo" })
  end,
}
