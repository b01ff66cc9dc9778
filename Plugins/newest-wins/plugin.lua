-- What was written last stands, wherever it is written: for images whose log is not from their own last commit, as
-- after a restored superblock or a device that came back late.

-- Whether a time is later than another.
local function is_later(a, b)
  if a.seconds ~= b.seconds then return a.seconds > b.seconds end
  return a.nanoseconds > b.nanoseconds
end

local newest_wins = treelog.replay_policy {
  name = "newest-wins", base = "mainline",
  doc = "An inode that was changed after its logged state is left as it is; of two files the younger has the name.",
  resolve = {
    -- Whole inodes, so that size, extents and names always fit together.
    inode_item = function(conflict)
      local logged, committed = conflict.logged:decode(), conflict.committed:decode()
      if is_later(committed.ctime, logged.ctime) then return "skip_inode" end
    end,
    -- Numbers of inodes are given out in ascending order and never again.
    name = function(conflict)
      if math.ult(conflict.logged.inode, conflict.committed.inode) then return "keep" end
      return "take"
    end,
  },
}

return treelog.plugin {
  name = "newest-wins", version = "1.0.0", api = 1,
  summary = "What was written last stands.",
  policies = { newest_wins },
}
