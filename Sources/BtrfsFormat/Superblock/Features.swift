/// What a program wants to do with a volume.
public enum VolumeAccess: Sendable {
    /// Looking at it, or changing it too.
    case reading, writing
}

/// What this program does about a feature bit.
struct FeatureRule: Sendable {
    let bit: Int
    /// As in the kernel's constant.
    let name: String
    /// Why a volume with the feature is refused; nil where it is supported.
    var refusal: String?
}

/// The features of a volume that a program must know to touch it at all.
///
/// `rules` says for each what this program does; every other bit is refused.
///
/// The corresponding kernel constants are `BTRFS_FEATURE_INCOMPAT_*`.
public struct IncompatFeatures: OptionSet, Hashable, OpenFieldValue {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// References in the form that all volumes have since 2009.
    @inlinable public static var mixedBackref: Self { Self(rawValue: 1 << 0) }
    /// Some other subvolume than the top level is mounted by default.
    @inlinable public static var defaultSubvolume: Self { Self(rawValue: 1 << 1) }
    /// Block groups hold data and metadata together.
    @inlinable public static var mixedGroups: Self { Self(rawValue: 1 << 2) }
    /// There may be extents compressed with LZO.
    @inlinable public static var compressLZO: Self { Self(rawValue: 1 << 3) }
    /// There may be extents compressed with zstd.
    @inlinable public static var compressZstd: Self { Self(rawValue: 1 << 4) }
    /// Tree blocks are larger than a page of 4 KiB.
    @inlinable public static var bigMetadata: Self { Self(rawValue: 1 << 5) }
    /// Names for which an `INODE_REF` item has no room are in `INODE_EXTREF` items.
    @inlinable public static var extendedReferences: Self { Self(rawValue: 1 << 6) }
    /// There are, or were, chunks with parity.
    @inlinable public static var raid56: Self { Self(rawValue: 1 << 7) }
    /// Tree blocks have `METADATA_ITEM` items, shorter than the `EXTENT_ITEM` ones of before.
    @inlinable public static var skinnyMetadata: Self { Self(rawValue: 1 << 8) }
    /// Holes in files have no items.
    @inlinable public static var noHoles: Self { Self(rawValue: 1 << 9) }
    /// Tree blocks carry another UUID than `Superblock.fsid`.
    @inlinable public static var metadataUUID: Self { Self(rawValue: 1 << 10) }
    /// There are chunks with three or four copies.
    @inlinable public static var raid1c34: Self { Self(rawValue: 1 << 11) }
    /// The devices are zoned: their zones can only be appended to.
    @inlinable public static var zoned: Self { Self(rawValue: 1 << 12) }
    /// An experimental format with several extent trees.
    @inlinable public static var extentTreeV2: Self { Self(rawValue: 1 << 13) }
    /// Where stripes are is in a tree of its own; experimental.
    @inlinable public static var raidStripeTree: Self { Self(rawValue: 1 << 14) }
    /// Extents carry the subvolume that is charged for them.
    @inlinable public static var simpleQuota: Self { Self(rawValue: 1 << 16) }
    /// Extents of block groups may be mapped to others; experimental.
    @inlinable public static var remapTree: Self { Self(rawValue: 1 << 17) }

    static let rules: [FeatureRule] = [
        // Always set since 2009; `refusal(for:)` refuses volumes without it.
        FeatureRule(bit: 0, name: "MIXED_BACKREF"),
        FeatureRule(bit: 1, name: "DEFAULT_SUBVOL"),
        FeatureRule(bit: 2, name: "MIXED_GROUPS"),
        FeatureRule(bit: 3, name: "COMPRESS_LZO"),
        FeatureRule(bit: 4, name: "COMPRESS_ZSTD"),
        FeatureRule(bit: 5, name: "BIG_METADATA"),
        FeatureRule(bit: 6, name: "EXTENDED_IREF"),
        // Chunks with parity are never written to; the bit alone tells of none.
        FeatureRule(bit: 7, name: "RAID56"),
        FeatureRule(bit: 8, name: "SKINNY_METADATA"),
        FeatureRule(bit: 9, name: "NO_HOLES"),
        FeatureRule(bit: 10, name: "METADATA_UUID"),
        FeatureRule(bit: 11, name: "RAID1C34"),
        FeatureRule(bit: 12, name: "ZONED", refusal: "zones can only be appended to"),
        FeatureRule(bit: 13, name: "EXTENT_TREE_V2", refusal: "this format is experimental"),
        FeatureRule(bit: 14, name: "RAID_STRIPE_TREE", refusal: "this format is experimental"),
        FeatureRule(bit: 16, name: "SIMPLE_QUOTA"),
        FeatureRule(bit: 17, name: "REMAP_TREE", refusal: "this format is experimental"),
    ]

    public static let names = NumberNames(rules: rules)
    public static var fieldFormat: FieldFormat { .flags(names) }

    /// Why a volume with these features cannot be used so, and what to do; nil when it can.
    public func refusal(for access: VolumeAccess) -> String? {
        if !contains(.mixedBackref) {
            return "feature MIXED_BACKREF is off: the volume has back references from before 2009; "
                + "only an old Linux can convert it"
        }
        return FeatureRule.refusal(
            of: rawValue, kind: "incompat", rules: Self.rules, unknown: .reading, for: access)
    }
}

/// The features of a volume that a program must know to write to it.
///
/// The corresponding kernel constants are `BTRFS_FEATURE_COMPAT_RO_*`.
public struct CompatROFeatures: OptionSet, Hashable, OpenFieldValue {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Free space is in a tree, `ObjectID.freeSpaceTree`.
    @inlinable public static var freeSpaceTree: Self { Self(rawValue: 1 << 0) }
    /// The free space tree is up to date.
    @inlinable public static var freeSpaceTreeValid: Self { Self(rawValue: 1 << 1) }
    /// Files may be protected by fs-verity.
    @inlinable public static var verity: Self { Self(rawValue: 1 << 2) }
    /// Block group items are in a tree of their own, `ObjectID.blockGroupTree`.
    @inlinable public static var blockGroupTree: Self { Self(rawValue: 1 << 3) }

    static let rules: [FeatureRule] = [
        FeatureRule(bit: 0, name: "FREE_SPACE_TREE"),
        FeatureRule(bit: 1, name: "FREE_SPACE_TREE_VALID"),
        FeatureRule(bit: 2, name: "VERITY"),
        FeatureRule(bit: 3, name: "BLOCK_GROUP_TREE"),
    ]

    public static let names = NumberNames(rules: rules)
    public static var fieldFormat: FieldFormat { .flags(names) }

    /// Why a volume with these features cannot be used so, and what to do; nil when it can.
    public func refusal(for access: VolumeAccess) -> String? {
        FeatureRule.refusal(
            of: rawValue, kind: "compat_ro", rules: Self.rules, unknown: .writing, for: access)
    }
}

extension NumberNames {
    fileprivate init(rules: [FeatureRule]) {
        self.init(Dictionary(rules.map { (UInt64($0.bit), $0.name) }) { first, _ in first })
    }
}

extension FeatureRule {
    /// The first reason against using a volume with these feature bits.
    ///
    /// - Parameter unknown: the least access that a bit without a rule forbids
    fileprivate static func refusal(
        of bits: UInt64, kind: String, rules: [FeatureRule], unknown: VolumeAccess, for access: VolumeAccess
    ) -> String? {
        for bit in 0..<64 where bits & (1 << UInt64(bit)) != 0 {
            if let rule = rules.first(where: { $0.bit == bit }) {
                guard let reason = rule.refusal else { continue }
                return "feature \(rule.name) is refused: \(reason); use Linux"
            }
            if unknown == .writing && access == .reading { continue }
            return "\(kind) feature bit \(bit) is not known; use a newer program"
        }
        return nil
    }
}
