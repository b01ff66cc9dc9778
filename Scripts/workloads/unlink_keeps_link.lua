return treelog.workload {
  name = "unlink_keeps_link",
  doc = "A name goes, the other name of the file stays.",
  setup = function(fs) fs:mkdir "/y" end,
  run = function(fs)
    fs:write("/y/x", "hello")
    fs:link("/y/x", "/y/x.link")
    fs:fsync "/y/x"
    fs:mark "linked"
    fs:unlink "/y/x"
    fs:fsync "/y"
    fs:mark "unlinked"
  end,
  check = function(fs, crash)
    if crash:after "linked" then
      treelog.expect_equal(fs:read "/y/x.link", "hello")
    end
    if crash:after "unlinked" then
      treelog.expect(not fs:exists "/y/x", "the unlinked name is back")
      treelog.expect_equal(fs:stat("/y/x.link").nlink, 1)
    end
  end,
}
