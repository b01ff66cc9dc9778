return treelog.workload {
  name = "crashmonkey_2",
  doc = "A file that moved between directories, of which one then took the name of the other, is in one place.",
  run = function(fs)
    fs:mkdir "/a"; fs:mkdir "/a/c"
    fs:rename("/a/c", "/b")
    fs:write("/b/bar", "bar")
    fs:fsync "/b/bar"
    fs:mark "made"
    fs:rename("/b/bar", "/a/bar")
    fs:rmdir "/b"
    fs:rename("/a", "/b")
    fs:fsync "/b/bar"
    fs:mark "moved"
  end,
  check = function(fs, crash)
    if not crash:after "made" then return end
    local count = 0
    for _, path in ipairs { "/a/bar", "/b/bar" } do
      if fs:exists(path) then
        count = count + 1
        treelog.expect_equal(fs:read(path), "bar")
      end
    end
    treelog.expect_equal(count, 1, "the file is in one place")
    if crash:after "moved" then treelog.expect_equal(fs:readdir "/", { "b" }) end
  end,
}
