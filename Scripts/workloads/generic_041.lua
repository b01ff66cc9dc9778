local function name(i) return ("/d/%03d-%s"):format(i, ("n"):rep(220)) end

return treelog.workload {
  name = "generic_041",
  doc = "Names that went and came again, some of them in other kinds of items than before, are all there once.",
  parameters = { links = 120 },
  setup = function(fs, parameters)
    fs:mkdir "/d"; fs:write("/d/foo", "hello world")
    for i = 1, parameters.links do fs:link("/d/foo", name(i)) end
  end,
  run = function(fs, parameters)
    -- The first names are in the short item, the last ones are not. A new name takes the room of the first one, which
    -- then comes back where there is room; so does the last one.
    fs:unlink(name(1))
    fs:link("/d/foo", name(parameters.links + 1))
    fs:link("/d/foo", name(1))
    fs:unlink(name(2)); fs:unlink(name(parameters.links))
    fs:link("/d/foo", name(parameters.links))
    fs:link("/d/foo", name(parameters.links + 2))
    fs:fsync "/d/foo"
    fs:mark "done"
  end,
  check = function(fs, crash, parameters)
    if not crash:after "done" then return end
    treelog.expect_equal(fs:stat("/d/foo").nlink, parameters.links + 2)
    treelog.expect_equal(#fs:readdir "/d", parameters.links + 2)
    treelog.expect(not fs:exists(name(2)), "the unlinked name is back")
    for i = 1, parameters.links + 2 do
      if i ~= 2 then fs:unlink(name(i)) end
    end
    treelog.expect_equal(fs:read "/d/foo", "hello world")
    fs:unlink "/d/foo"; fs:rmdir "/d"
  end,
}
