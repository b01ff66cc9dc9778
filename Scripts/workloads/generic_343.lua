return treelog.workload {
  name = "generic_343",
  doc = "What moved into a directory is in one place after the fsync of a file that got a link there.",
  setup = function(fs)
    fs:mkdir "/x"; fs:mkdir "/y"; fs:mkdir "/y/z"; fs:create "/x/foo"
  end,
  run = function(fs)
    fs:link("/x/foo", "/x/foo.2")
    fs:rename("/y/z", "/x/z")
    fs:fsync "/x/foo"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect(fs:exists "/x/foo.2", "the link is missing")
    treelog.expect(fs:exists "/x/z" ~= fs:exists "/y/z", "the directory is in one place")
  end,
}
