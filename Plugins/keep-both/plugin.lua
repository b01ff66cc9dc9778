-- No file loses its name to another.
local keep_both = treelog.replay_policy {
  name = "keep-both", base = "mainline",
  doc = "A file whose name the log gives to another one stays, under a name with its inode number.",
  options = { suffix = ".conflict" },
  resolve = {
    name = function(conflict, options)
      local suffix = ("%s-%d"):format(options.suffix, conflict.committed.inode)
      -- A name has 255 bytes at most.
      return "keep_both", conflict.name:sub(1, 255 - #suffix) .. suffix
    end,
  },
}

return treelog.plugin {
  name = "keep-both", version = "1.0.0", api = 1,
  summary = "Keeps both files of a conflict about a name.",
  policies = { keep_both },
}
