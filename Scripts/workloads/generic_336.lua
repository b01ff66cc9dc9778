return treelog.workload {
  name = "generic_336",
  doc = "A file that moved is not lost when a file that had a link beside it is fsynced.",
  setup = function(fs)
    fs:mkdir "/a"; fs:mkdir "/b"; fs:mkdir "/c"
    fs:create "/a/foo"; fs:link("/a/foo", "/b/foo.link"); fs:write("/b/bar", "bar")
  end,
  run = function(fs)
    fs:unlink "/b/foo.link"
    fs:rename("/b/bar", "/c/bar")
    fs:fsync "/a/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect(not fs:exists "/b/foo.link", "the removed link is back")
    treelog.expect(fs:exists "/b/bar" ~= fs:exists "/c/bar", "the moved file is in one place")
  end,
}
