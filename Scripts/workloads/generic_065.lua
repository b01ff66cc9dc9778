return treelog.workload {
  name = "generic_065",
  doc = "Fsync of a directory brings new files and new links in it, each with the right number of links.",
  setup = function(fs)
    fs:mkdir "/x"; fs:write("/x/foo", "foo"); fs:write("/other", "other")
  end,
  run = function(fs)
    fs:link("/x/foo", "/x/foo.link")
    fs:write("/x/new", "new"); fs:link("/x/new", "/x/new.link")
    fs:link("/other", "/x/other")
    fs:fsync "/x"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local names = fs:readdir "/x"
    treelog.expect_equal(names, { "foo", "foo.link", "new", "new.link", "other" })
    for _, name in ipairs(names) do treelog.expect_equal(fs:stat("/x/" .. name).nlink, 2, name) end
    treelog.expect_equal(fs:stat("/x/new").inode, fs:stat("/x/new.link").inode)
    for _, name in ipairs(names) do fs:unlink("/x/" .. name) end
    fs:rmdir "/x"
  end,
}
