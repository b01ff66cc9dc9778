return treelog.workload {
  name = "crashmonkey_4",
  doc = "A renamed directory has its new name when a new file in it is fsynced.",
  setup = function(fs) fs:mkdir "/a"; fs:create "/a/old" end,
  run = function(fs)
    fs:rename("/a", "/b")
    fs:write("/b/foo", "foo")
    fs:fsync "/b/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect(not (fs:exists "/a" and fs:exists "/b"), "the directory is under both names")
    local directory = fs:exists "/b" and "/b" or "/a"
    treelog.expect_equal(fs:readdir(directory), { "foo", "old" })
  end,
}
