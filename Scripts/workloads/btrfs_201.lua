local kib <const> = 1 << 10
local piece <const> = 64 * kib

return treelog.workload {
  name = "btrfs_201",
  doc = "A hole that begins with the file, and one that takes all extents of a leaf, are there after the fsync.",
  volume = { node_size = 4096, size = 256 << 20 },
  setup = function(fs)
    -- Takes so much of a leaf that few extents of the next file are in it.
    fs:create "/filler"; fs:set_xattr("/filler", "user.filler", ("x"):rep(2500))
    fs:create "/foo"
    -- One extent each, in two orders, so that they cannot be merged.
    for i = 0, 199, 2 do fs:write("/foo", ("a"):rep(piece), i * piece) end
    for i = 1, 199, 2 do fs:write("/foo", ("a"):rep(piece), i * piece) end
  end,
  run = function(fs)
    fs:punch("/foo", 0, piece)
    fs:fsync "/foo"
    fs:mark "front"
    -- A leaf has room for less than fifty extents.
    fs:punch("/foo", 10 * piece, 110 * piece)
    fs:write("/foo", ("b"):rep(piece), 199 * piece)
    fs:fsync "/foo"
    fs:mark "middle"
  end,
  check = function(fs, crash)
    local function expect_letter(letter, first, count)
      treelog.expect_equal(fs:read("/foo", first * piece, count * piece), letter:rep(count * piece))
    end
    if crash:after "front" then expect_letter("\0", 0, 1); expect_letter("a", 1, 9) end
    if not crash:after "middle" then return end
    expect_letter("\0", 10, 110); expect_letter("a", 120, 79); expect_letter("b", 199, 1)
  end,
}
