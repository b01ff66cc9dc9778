return treelog.workload {
  name = "btrfs_236",
  doc = "Data that was written and fsynced after a rename or a link of a logged file is there.",
  setup = function(fs) fs:create "/foo"; fs:create "/bar" end,
  run = function(fs)
    fs:write("/foo", ("a"):rep(4096)); fs:write("/bar", ("a"):rep(4096))
    fs:fsync "/foo"; fs:fsync "/bar"
    fs:append("/foo", ("b"):rep(4096)); fs:append("/bar", ("b"):rep(4096))
    fs:rename("/foo", "/foo.new")
    fs:link("/bar", "/bar.link")
    fs:fsync "/foo.new"; fs:fsync "/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    local content = ("a"):rep(4096) .. ("b"):rep(4096)
    treelog.expect_equal(fs:read "/foo.new", content)
    treelog.expect_equal(fs:read "/bar.link", content)
    treelog.expect(not fs:exists "/foo", "the old name is back")
  end,
}
