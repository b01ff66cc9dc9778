/// In which form the free space of a block group is listed, and how many runs there are.
///
/// Key: (start, FREE_SPACE_INFO, length of the block group). What follows are either FREE_SPACE_EXTENT items
/// without content, one for each run, or FREE_SPACE_BITMAP items with a bit for each sector, set where it is
/// free.
///
/// The corresponding on-disk structure is `btrfs_free_space_info`.
public struct FreeSpaceInfo: FixedSizeItem {
    /// The number of runs of free space, in both forms.
    public var extentCount: UInt32
    /// Whether the free space is kept in bitmaps.
    public var flags: UInt32

    public static var byteCount: Int { Fields.flags.end }
    static var bitmapsFlag: UInt32 { 1 << 0 }

    /// Whether free space is listed in bitmaps.
    public var usesBitmaps: Bool {
        get { flags & Self.bitmapsFlag != 0 }
        set { flags = newValue ? flags | Self.bitmapsFlag : flags & ~Self.bitmapsFlag }
    }

    enum Fields {
        static var extentCount: Field<UInt32> { Field("extent_count", at: 0) }
        static var flags: Field<UInt32> { Field("flags", at: 4) }
    }
    public static let layout = Layout(
        "free_space_info", byteCount: byteCount,
        [Fields.extentCount, Fields.flags.shown(.flags([0: "USING_BITMAPS"]))])

    public init(_ bytes: RawSpan) throws(FormatError) {
        extentCount = try Fields.extentCount.read(bytes)
        flags = try Fields.flags.read(bytes)
    }

    /// What is known of the free space of a block group.
    public init(extentCount: UInt32, flags: UInt32 = 0) {
        self.extentCount = extentCount
        self.flags = flags
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.extentCount.write(extentCount, to: &target, at: position)
        Fields.flags.write(flags, to: &target, at: position)
    }
}
