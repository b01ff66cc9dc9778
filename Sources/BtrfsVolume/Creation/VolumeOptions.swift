public import BtrfsFormat

/// What a new volume is to be like.
public struct VolumeOptions: Sendable {
    /// How many copies of the trees a volume on one device keeps.
    public enum MetadataProfile: String, Sendable, CaseIterable { case single, dup }

    /// The size of a tree block in bytes: a power of two from the sector size to 65536.
    public var nodeSize: UInt32 = 16384
    /// The smallest unit of file data in bytes: a power of two from 4096 to 65536.
    public var sectorSize: UInt32 = 4096
    /// How blocks and data are checked.
    public var checksumType = ChecksumType.crc32c
    /// How many copies of the trees there are.
    public var metadataProfile = MetadataProfile.dup
    /// Tree blocks and data share their block groups; the node size must be the sector size then.
    public var hasMixedGroups = false
    /// A file's gaps need no items.
    public var hasNoHoles = true
    /// The extent tree names a tree block by its level, without a key.
    public var hasSkinnyMetadata = true
    /// More names of one inode in one directory than fit an item are possible.
    public var hasExtendedReferences = true
    /// The volume keeps a tree of its free space.
    public var hasFreeSpaceTree = true
    /// The block group items have a tree of their own. Needs the free space tree, and holes without items.
    public var hasBlockGroupTree = false
    /// At most 255 bytes.
    public var label: [UInt8] = []
    /// The number by which the volume is known; nil for a random one.
    public var uuid: UUID?
    /// From what the other UUIDs are made; nil for random ones. With `uuid` and `time` all is the same each time.
    public var seed: UInt64?
    /// The times of the root directory.
    public var time = Timestamp(seconds: 0, nanoseconds: 0)

    /// What `mkfs.btrfs` makes by default on one device.
    public init() {}

    /// The size of tree blocks where nobody says one, in bytes.
    public var usualNodeSize: UInt32 { hasMixedGroups ? sectorSize : max(16384, sectorSize) }

    private static let features: [(name: String, path: any WritableKeyPath<VolumeOptions, Bool> & Sendable)] = [
        ("no-holes", \.hasNoHoles), ("skinny-metadata", \.hasSkinnyMetadata), ("extref", \.hasExtendedReferences),
        ("free-space-tree", \.hasFreeSpaceTree), ("block-group-tree", \.hasBlockGroupTree),
        ("mixed-bg", \.hasMixedGroups),
    ]

    /// The features that can be turned on and off, by their names in `mkfs.btrfs`.
    public static var featureNames: [String] { features.map(\.name) }

    /// Turns a feature on or off, by its name in `mkfs.btrfs`.
    ///
    /// - Returns: false when there is no such feature.
    public mutating func setFeature(_ name: some StringProtocol, on isOn: Bool) -> Bool {
        guard let feature = Self.features.first(where: { $0.name == name }) else { return false }
        self[keyPath: feature.path] = isOn
        return true
    }

    /// Finds out whether there can be such a volume on a device of `byteCount` bytes.
    ///
    /// - Throws: `VolumeError.unsupported` with the reason when there cannot.
    public func check(byteCount: UInt64) throws(VolumeError) {
        try check()
        _ = try VolumePlan(self, byteCount: byteCount, deviceID: 1, deviceUUID: UUID(low: 0, high: 0))
    }

    private func check() throws(VolumeError) {
        func isPower(_ size: UInt32) -> Bool { size & (size &- 1) == 0 && (4096...65536).contains(size) }
        guard isPower(sectorSize) else { throw .unsupported("a sector size of \(sectorSize) bytes") }
        guard isPower(nodeSize), nodeSize >= sectorSize else {
            throw .unsupported(
                "a node size of \(nodeSize) bytes; it is a power of two from the sector size (\(sectorSize)) to 65536")
        }
        guard label.count < 256, !label.contains(0) else {
            throw .unsupported("a label of \(label.count) bytes; at most 255 are possible, none of them 0")
        }
        guard !hasMixedGroups || nodeSize == sectorSize else {
            throw .unsupported("mixed block groups with a node size other than the sector size (\(sectorSize))")
        }
        guard !hasBlockGroupTree || hasFreeSpaceTree && hasNoHoles else {
            throw .unsupported("a block group tree without both free-space-tree and no-holes")
        }
    }

    /// Each tree is a single leaf at first, also the tree of trees. Where that would be too full the UUID tree is left
    /// to Linux, which makes it with its first mount.
    var hasUUIDTree: Bool { nodeSize > 4096 || !hasBlockGroupTree }

    var incompat: IncompatFeatures {
        var features: IncompatFeatures = [.mixedBackref]
        if nodeSize > 4096 { features.insert(.bigMetadata) }
        if hasMixedGroups { features.insert(.mixedGroups) }
        if hasNoHoles { features.insert(.noHoles) }
        if hasSkinnyMetadata { features.insert(.skinnyMetadata) }
        if hasExtendedReferences { features.insert(.extendedReferences) }
        return features
    }

    var compatRO: CompatROFeatures {
        var features: CompatROFeatures = []
        if hasFreeSpaceTree { features.formUnion([.freeSpaceTree, .freeSpaceTreeValid]) }
        if hasBlockGroupTree { features.insert(.blockGroupTree) }
        return features
    }
}
