/// What a block group or chunk holds, and how it is spread over devices.
///
/// The corresponding kernel constants are `BTRFS_BLOCK_GROUP_*`.
public struct BlockGroupFlags: OptionSet, Hashable, OpenFieldValue {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Content of files.
    @inlinable public static var data: Self { Self(rawValue: 1 << 0) }
    /// The chunk tree.
    @inlinable public static var system: Self { Self(rawValue: 1 << 1) }
    /// All other trees.
    @inlinable public static var metadata: Self { Self(rawValue: 1 << 2) }
    /// Stripes over all devices, one copy.
    @inlinable public static var raid0: Self { Self(rawValue: 1 << 3) }
    /// Two copies, on two devices.
    @inlinable public static var raid1: Self { Self(rawValue: 1 << 4) }
    /// Two copies, on one device.
    @inlinable public static var dup: Self { Self(rawValue: 1 << 5) }
    /// Stripes over pairs of devices that have the same.
    @inlinable public static var raid10: Self { Self(rawValue: 1 << 6) }
    /// Stripes and one parity.
    @inlinable public static var raid5: Self { Self(rawValue: 1 << 7) }
    /// Stripes and two parities.
    @inlinable public static var raid6: Self { Self(rawValue: 1 << 8) }
    /// Three copies, on three devices.
    @inlinable public static var raid1c3: Self { Self(rawValue: 1 << 9) }
    /// Four copies, on four devices.
    @inlinable public static var raid1c4: Self { Self(rawValue: 1 << 10) }
    /// With `IncompatFeatures.remapTree`: what was here is elsewhere.
    @inlinable public static var remapped: Self { Self(rawValue: 1 << 11) }
    /// With `IncompatFeatures.remapTree`: the tree that says where.
    @inlinable public static var metadataRemap: Self { Self(rawValue: 1 << 12) }

    /// What a block group can hold.
    @inlinable public static var typeMask: Self { [.data, .system, .metadata] }
    /// How a block group can lie on devices; none of it set is a single copy.
    @inlinable public static var profileMask: Self {
        [.raid0, .raid1, .dup, .raid10, .raid5, .raid6, .raid1c3, .raid1c4]
    }
    /// RAID5 and RAID6.
    @inlinable public static var parityMask: Self { [.raid5, .raid6] }

    /// The bits that say how data is spread; none of them: one copy on one device.
    @inlinable public var profile: Self { intersection(.profileMask) }
    /// The bits that say what is stored.
    @inlinable public var content: Self { intersection(.typeMask) }

    public static let names: NumberNames = [
        0: "DATA", 1: "SYSTEM", 2: "METADATA", 3: "RAID0", 4: "RAID1", 5: "DUP", 6: "RAID10", 7: "RAID5",
        8: "RAID6", 9: "RAID1C3", 10: "RAID1C4", 11: "REMAPPED", 12: "METADATA_REMAP",
    ]
    public static var fieldFormat: FieldFormat { .flags(names) }
}

extension BlockGroupFlags: CustomStringConvertible {
    /// `DATA|single`, `METADATA|DUP`
    public var description: String {
        let text = Self.names.joined(bits: rawValue)
        return profile.isEmpty && !isEmpty ? text + "|single" : text
    }
}

/// How much of a block group is used.
///
/// Key: (start, BLOCK_GROUP_ITEM, length), in the extent tree or in the block group tree.
///
/// The corresponding on-disk structure is `btrfs_block_group_item`.
public struct BlockGroupItem: FixedSizeItem {
    /// Bytes of all extents in the group.
    public var used: UInt64
    /// Always 256.
    public var chunkObjectID: ObjectID
    /// Type and profile.
    public var flags: BlockGroupFlags

    public static var byteCount: Int { Fields.flags.end }

    enum Fields {
        static var used: Field<UInt64> { Field("used", at: 0) }
        static var chunkObjectID: Field<ObjectID> { Field("chunk_objectid", at: 8) }
        static var flags: Field<BlockGroupFlags> { Field("flags", at: 16) }
    }
    public static let layout = Layout(
        "block_group_item", byteCount: byteCount, [Fields.used, Fields.chunkObjectID, Fields.flags])

    public init(_ bytes: RawSpan) throws(FormatError) {
        used = try Fields.used.read(bytes)
        chunkObjectID = try Fields.chunkObjectID.read(bytes)
        flags = try Fields.flags.read(bytes)
    }

    /// The item of a block group.
    public init(used: UInt64, chunkObjectID: ObjectID = Chunk.objectID, flags: BlockGroupFlags) {
        self.used = used
        self.chunkObjectID = chunkObjectID
        self.flags = flags
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.used.write(used, to: &target, at: position)
        Fields.chunkObjectID.write(chunkObjectID, to: &target, at: position)
        Fields.flags.write(flags, to: &target, at: position)
    }
}
