-- 150 blocks of content, so two blocks of hashes and one above them.
local content = ("0123456789abcdef"):rep(37500)

return treelog.workload {
  name = "btrfs_291",
  doc = "After any crash a file is protected by fs-verity as a whole, or not at all and as it was.",
  crashes = "flushes",
  setup = function(fs) fs:write("/file", content) end,
  run = function(fs)
    -- A commit after each block of the hash tree, so that crashes find only a part of it.
    fs:enable_verity("/file", 1)
    fs:sync()
    fs:mark "protected"
    fs:set_xattr("/file", "user.name", "value")
    treelog.expect_equal(fs:fsync("/file").outcome, "logged")
    fs:mark "logged"
    fs:unlink "/file"
    fs:fsync "/"
    fs:mark "gone"
  end,
  check = function(fs, crash)
    if not fs:exists "/file" then return treelog.expect(crash:after "logged", "the file is gone") end
    treelog.expect(not crash:after "gone", "the file is back")
    treelog.expect_equal(fs:read "/file", content)
    if crash:after "logged" then treelog.expect_equal(fs:get_xattr("/file", "user.name"), "value") end
    local digest = fs:verity_digest "/file"
    if crash:after "protected" then treelog.expect(digest, "the protection is gone") end
    if digest then
      treelog.expect_error("EPERM", fs.write, fs, "/file", "x")
      treelog.expect_error("EPERM", fs.truncate, fs, "/file", 0)
    else
      fs:write("/file", "x")
      fs:write("/file", "0")
      fs:enable_verity "/file"
      digest = fs:verity_digest "/file"
    end
    treelog.expect_equal(digest, "sha256:ad44ee6f8cb79a278ec328ae1f4ccf8de9cf9ed51ad265deb647ac120246d2c0")
    fs:unlink "/file"
  end,
}
