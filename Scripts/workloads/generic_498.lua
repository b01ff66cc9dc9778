return treelog.workload {
  name = "generic_498",
  doc = "A new directory with a link of a logged file below it is there when it is fsynced.",
  run = function(fs)
    fs:mkdir "/a"; fs:mkdir "/b"; fs:mkdir "/a/c"
    fs:write("/b/foo", "foo")
    fs:fsync "/b/foo"
    fs:mark "file"
    fs:link("/b/foo", "/a/c/foo")
    fs:fsync "/a"
    fs:mark "directory"
  end,
  check = function(fs, crash)
    if crash:after "file" then treelog.expect_equal(fs:read "/b/foo", "foo") end
    if crash:after "directory" then treelog.expect_equal(fs:readdir "/a", { "c" }) end
  end,
}
