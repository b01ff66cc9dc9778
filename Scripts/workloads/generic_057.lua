return treelog.workload {
  name = "generic_057",
  doc = "What was appended and fsynced stays when the file gets another name and another file is fsynced.",
  setup = function(fs) fs:write("/foo", ("a"):rep(8192)) end,
  run = function(fs)
    fs:append("/foo", ("b"):rep(4096))
    fs:fsync "/foo"
    fs:mark "appended"
    fs:link("/foo", "/foo.link")
    fs:create "/bar"
    fs:fsync "/bar"
    fs:mark "linked"
  end,
  check = function(fs, crash)
    local content = ("a"):rep(8192) .. ("b"):rep(4096)
    if crash:after "appended" then treelog.expect_equal(fs:read "/foo", content) end
    if crash:after "linked" then treelog.expect(fs:exists "/bar", "the new file is missing") end
  end,
}
