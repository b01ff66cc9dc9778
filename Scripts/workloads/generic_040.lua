local function name(i) return ("/d/%03d-%s"):format(i, ("n"):rep(220)) end

return treelog.workload {
  name = "generic_040",
  doc = "All links of a file with very many are counted when one more is logged.",
  parameters = { links = 120 },
  setup = function(fs, parameters)
    fs:mkdir "/d"; fs:create "/d/foo"
    for i = 1, parameters.links do fs:link("/d/foo", name(i)) end
  end,
  run = function(fs, parameters)
    fs:link("/d/foo", name(parameters.links + 1))
    fs:fsync "/d/foo"
    fs:mark "done"
  end,
  check = function(fs, crash, parameters)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/d/foo").nlink, parameters.links + 2)
    treelog.expect_equal(#fs:readdir "/d", parameters.links + 2)
    for i = 1, parameters.links + 1 do fs:unlink(name(i)) end
    treelog.expect_equal(fs:stat("/d/foo").nlink, 1)
    fs:unlink "/d/foo"; fs:rmdir "/d"
  end,
}
