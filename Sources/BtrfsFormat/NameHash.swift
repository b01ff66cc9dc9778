/// The hashes by which names are found: part of the keys of directory entries, extended attributes and back
/// references.
public enum NameHash {
    /// The offset in the key of a DIR_ITEM or XATTR_ITEM.
    ///
    /// The corresponding kernel function is `btrfs_name_hash`.
    public static func name(_ name: RawSpan) -> UInt32 { CRC32C.raw(seed: 0xffff_fffe, name) }

    /// The offset in the key of an INODE_EXTREF: a hash of 32 bits, widened.
    ///
    /// The corresponding kernel function is `btrfs_extref_hash`.
    public static func extref(parent: ObjectID, _ name: RawSpan) -> UInt64 {
        UInt64(CRC32C.raw(seed: UInt32(truncatingIfNeeded: parent.rawValue), name))
    }
}
