return treelog.workload {
  name = "generic_520",
  doc = "A logged file gets a link in a new directory in another one; fsync of the link brings all that leads to it.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b"; fs:write("/b/foo", "foo") end,
  run = function(fs)
    fs:append("/b/foo", "!")
    fs:fsync "/b/foo"
    fs:mkdir "/a/c"
    fs:link("/b/foo", "/a/c/bar")
    fs:fsync "/a/c/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:read "/a/c/bar", "foo!")
    treelog.expect_equal(fs:stat("/b/foo").nlink, 2)
  end,
}
