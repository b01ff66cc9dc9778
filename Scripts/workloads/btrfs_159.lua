-- Every other piece of the file is a hole.
local piece <const> = 8192

return treelog.workload {
  name = "btrfs_159",
  doc = "A hole from the middle of one extent to that of the next is there, also where these are in different leaves.",
  volume = { node_size = 4096 },
  parameters = { extents = 120 },
  setup = function(fs, parameters)
    for i = 0, parameters.extents - 1 do fs:write("/foo", ("a"):rep(piece), 2 * i * piece) end
  end,
  run = function(fs, parameters)
    -- A leaf has room for less than fifty extents, so the border of each leaf is in one of the holes.
    for i = 1, parameters.extents - 2, 2 do
      fs:punch("/foo", 2 * i * piece + piece // 2 - 1000, 2 * piece)
      fs:fsync "/foo"
      fs:mark("hole " .. i)
    end
  end,
  check = function(fs, crash, parameters)
    for i = 1, parameters.extents - 2, 2 do
      if crash:after("hole " .. i) then
        local front, back = piece // 2 - 1000, piece // 2 + 1000
        treelog.expect_equal(
          fs:read("/foo", 2 * i * piece, 3 * piece), ("a"):rep(front) .. ("\0"):rep(2 * piece) .. ("a"):rep(back))
      end
    end
  end,
}
