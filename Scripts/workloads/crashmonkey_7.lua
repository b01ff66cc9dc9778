return treelog.workload {
  name = "crashmonkey_7",
  doc = "An fsync of a file brings all its names, also in directories that are new.",
  setup = function(fs) fs:write("/foo", "foo"); fs:mkdir "/a" end,
  run = function(fs)
    fs:mkdir "/b"; fs:mkdir "/b/c"
    fs:link("/foo", "/a/one"); fs:link("/foo", "/b/two"); fs:link("/foo", "/b/c/three")
    fs:fsync "/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    for _, path in ipairs { "/foo", "/a/one", "/b/two", "/b/c/three" } do
      treelog.expect_equal(fs:read(path), "foo", path)
    end
    treelog.expect_equal(fs:stat("/foo").nlink, 4)
  end,
}
