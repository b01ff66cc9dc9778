return treelog.workload {
  name = "generic_527",
  doc = "A link takes the name of a deleted file, links and files change places, a new file takes a name that is free: "
    .. "each name is right.",
  setup = function(fs)
    fs:mkdir "/d"; fs:write("/d/1", "one"); fs:write("/d/2", "two")
    fs:mkdir "/e"; fs:write("/e/zz", "z"); fs:link("/e/zz", "/e/zz.link"); fs:write("/e/a", "a")
  end,
  run = function(fs)
    fs:rename("/d/1", "/d/3")
    fs:unlink "/d/2"
    fs:link("/d/3", "/d/2")
    fs:write("/d/1", "new")
    fs:fsync "/d/1"
    fs:mark "deleted"
    fs:rename("/e/a", "/e/tmp"); fs:rename("/e/zz.link", "/e/a"); fs:rename("/e/tmp", "/e/zz.link")
    fs:rename("/e/zz", "/e/a2")
    fs:write("/e/zz", "new")
    fs:fsync "/e/zz"
    fs:mark "exchanged"
  end,
  check = function(fs, crash)
    local function expect_contents(directory, contents)
      local count = 0
      for name, content in pairs(contents) do
        treelog.expect_equal(fs:read(directory .. name), content, directory .. name)
        count = count + 1
      end
      treelog.expect_equal(#fs:readdir(directory), count)
    end
    if crash:after "deleted" then expect_contents("/d/", { ["1"] = "new", ["2"] = "one", ["3"] = "one" }) end
    if crash:after "exchanged" then
      expect_contents("/e/", { a = "z", a2 = "z", zz = "new", ["zz.link"] = "a" })
    end
  end,
}
