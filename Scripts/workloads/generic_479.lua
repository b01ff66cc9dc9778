return treelog.workload {
  name = "generic_479",
  doc = "A fifo that gave its name to a link of another file stays, and so do the links.",
  setup = function(fs)
    fs:mkdir "/d"; fs:mknod("/d/foo", "fifo"); fs:create "/d/bar"
  end,
  run = function(fs)
    fs:rename("/d/foo", "/d/baz")
    fs:link("/d/bar", "/d/foo")
    fs:fsync "/d/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/d/baz").type, "fifo")
    treelog.expect_equal(fs:stat("/d/foo").inode, fs:stat("/d/bar").inode)
    treelog.expect_equal(fs:stat("/d/bar").nlink, 2)
  end,
}
