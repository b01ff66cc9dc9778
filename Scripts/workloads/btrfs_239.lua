return treelog.workload {
  name = "btrfs_239",
  doc = "A directory that moved is in one place after an fsync of the one it left, though that was logged before.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b"; fs:mkdir "/a/x" end,
  run = function(fs)
    fs:create "/a/foo"
    fs:fsync "/a"
    fs:rename("/a/x", "/b/x")
    fs:create "/a/bar"
    fs:fsync "/a"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/a", { "bar", "foo" })
    treelog.expect_equal(fs:readdir "/b", { "x" })
  end,
}
