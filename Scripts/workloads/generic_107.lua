return treelog.workload {
  name = "generic_107",
  doc = "A link that was removed in another directory is gone after the fsync of the file.",
  setup = function(fs)
    fs:mkdir "/a"; fs:mkdir "/b"; fs:create "/a/foo"; fs:link("/a/foo", "/b/foo"); fs:link("/a/foo", "/b/foo.2")
  end,
  run = function(fs)
    fs:unlink "/b/foo"
    fs:fsync "/a/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:readdir "/b", { "foo.2" })
    treelog.expect_equal(fs:stat("/a/foo").nlink, 2)
    fs:unlink "/b/foo.2"; fs:rmdir "/b"
  end,
}
