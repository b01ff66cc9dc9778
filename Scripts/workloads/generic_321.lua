return treelog.workload {
  name = "generic_321",
  doc = "New directories and moves out of them are there after an fsync.",
  run = function(fs)
    fs:mkdir "/foo"; fs:write("/foo/bar", "bar")
    fs:fsync "/foo"
    fs:mark "made"
    fs:rename("/foo/bar", "/baz")
    fs:fsync "/baz"
    fs:mark "moved"
  end,
  check = function(fs, crash)
    if crash:after "moved" then
      treelog.expect_equal(fs:read "/baz", "bar")
      treelog.expect_equal(fs:readdir "/foo", {})
    elseif crash:after "made" then
      treelog.expect(fs:exists "/foo/bar" ~= fs:exists "/baz", "the file is in one place")
    end
  end,
}
