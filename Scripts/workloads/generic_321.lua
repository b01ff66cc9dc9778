return treelog.workload {
  name = "generic_321",
  doc = "New directories, and files that are renamed into them, are there after an fsync.",
  run = function(fs)
    fs:mkdir "/new"
    fs:fsync "/new"
    fs:mark "directory"
    -- The number of the file is below that of the directory.
    fs:write("/foo", "foo"); fs:mkdir "/bar"
    fs:fsync "/foo"
    fs:mark "file"
    fs:rename("/foo", "/bar/foo")
    fs:fsync "/bar"
    fs:mark "moved"
    fs:set_xattr("/bar/foo", "user.name", "value")
    fs:fsync "/bar/foo"
    fs:mark "changed"
  end,
  check = function(fs, crash)
    if crash:after "directory" then treelog.expect(fs:exists "/new", "the new directory is missing") end
    if crash:after "moved" then
      treelog.expect_equal(fs:read "/bar/foo", "foo")
      treelog.expect_equal(fs:readdir "/", { "bar", "new" })
    elseif crash:after "file" then
      treelog.expect(fs:exists "/foo" ~= fs:exists "/bar/foo", "the file is in one place")
    end
    if crash:after "changed" then treelog.expect_equal(fs:get_xattr("/bar/foo", "user.name"), "value") end
  end,
}
