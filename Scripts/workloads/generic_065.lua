return treelog.workload {
  name = "generic_065",
  doc = "Fsync of a directory brings new links, files and directories below it, each file with its number of links.",
  setup = function(fs)
    fs:mkdir "/x"; fs:write("/foo", "foo")
  end,
  run = function(fs)
    fs:link("/foo", "/x/foo.2"); fs:link("/foo", "/x/foo.3")
    fs:write("/new", "new"); fs:link("/new", "/x/new.2")
    fs:mkdir "/x/y"; fs:mkdir "/x/y/z"
    fs:link("/foo", "/x/y/foo.4"); fs:link("/foo", "/x/y/z/foo.5")
    fs:create "/x/y/z/empty"
    fs:fsync "/x"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/foo").nlink, 5)
    fs:unlink "/foo"
    for _, path in ipairs { "/x/foo.2", "/x/foo.3", "/x/y/foo.4", "/x/y/z/foo.5" } do
      treelog.expect_equal(fs:read(path), "foo", path)
    end
    treelog.expect_equal(fs:stat("/new").inode, fs:stat("/x/new.2").inode)
    treelog.expect_equal(fs:stat("/new").nlink, 2)
    treelog.expect(fs:exists "/x/y/z/empty", "the empty file is missing")
    for _, directory in ipairs { "/x/y/z", "/x/y", "/x" } do
      for _, name in ipairs(fs:readdir(directory)) do fs:unlink(directory .. "/" .. name) end
      fs:rmdir(directory)
    end
  end,
}
