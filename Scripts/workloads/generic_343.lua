return treelog.workload {
  name = "generic_343",
  doc = "What moved into a directory is in one place after the fsync of a file that got a link there.",
  setup = function(fs)
    fs:mkdir "/x"; fs:mkdir "/y"; fs:mkdir "/y/z"; fs:create "/x/foo"; fs:create "/y/other"
  end,
  run = function(fs)
    fs:link("/x/foo", "/x/bar")
    fs:rename("/y/z", "/x/z")
    fs:rename("/y/other", "/x/other")
    fs:fsync "/x/bar"
    fs:mark "done"
  end,
  check = function(fs, crash)
    if not crash:after "done" then return end
    treelog.expect(fs:exists "/x/bar", "the link is missing")
    for _, name in ipairs { "z", "other" } do
      treelog.expect(fs:exists("/x/" .. name) ~= fs:exists("/y/" .. name), name .. " is in one place")
    end
  end,
}
