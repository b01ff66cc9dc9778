return treelog.workload {
  name = "generic_498",
  doc = "A new directory with a link of a logged file in it is there when the directory above it is fsynced.",
  setup = function(fs) fs:mkdir "/a"; fs:mkdir "/b" end,
  run = function(fs)
    fs:mkdir "/a/c"
    fs:write("/b/foo", "foo")
    fs:fsync "/b/foo"
    fs:mark "foo"
    fs:link("/b/foo", "/a/c/foo")
    fs:fsync "/a"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if crash:after "foo" then treelog.expect_equal(fs:read "/b/foo", "foo") end
    if crash:after "done" then treelog.expect_equal(fs:readdir "/a", { "c" }) end
  end,
}
