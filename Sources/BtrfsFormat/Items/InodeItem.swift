/// What is known of a file apart from its names and its data.
///
/// Key: (inode, INODE_ITEM, 0). `transid` and `sequence` are bookkeeping; the kernel's tools do not show them
/// to users.
///
/// The corresponding on-disk structure is `btrfs_inode_item`.
public struct InodeItem: FixedSizeItem {
    /// The transaction in which the inode was created.
    public var generation: Generation
    /// The transaction that changed the inode last.
    public var transid: Generation
    /// The size of a file in bytes; for a directory twice the sum of the lengths of its names.
    public var size: UInt64
    /// Bytes of data that are not holes, compressed data counted by its uncompressed size.
    public var nbytes: UInt64
    /// Not used by the kernel.
    public var blockGroup: UInt64
    /// The number of names; 1 for a directory, 0 for a file that is deleted when nobody has it open any more.
    public var nlink: UInt32
    /// The number of the owner.
    public var uid: UInt32
    /// The number of the group.
    public var gid: UInt32
    /// File type and permissions as in `st_mode`.
    public var mode: UInt32
    /// The device number of a device file.
    public var rdev: UInt64
    /// What holds for the data of the inode.
    public var flags: InodeFlags
    /// Counts changes, for network file systems.
    public var sequence: UInt64
    @usableFromInline var reserved: (UInt64, UInt64, UInt64, UInt64)
    /// When the data was read last.
    public var atime: Timestamp
    /// When the inode was changed last.
    public var ctime: Timestamp
    /// When the data was changed last.
    public var mtime: Timestamp
    /// When the inode was created.
    public var otime: Timestamp

    @inlinable public static var byteCount: Int { 160 }

    @usableFromInline enum Fields {
        @inlinable static var generation: Field<Generation> { Field("generation", at: 0) }
        @inlinable static var transid: Field<Generation> { Field("transid", at: 8) }
        @inlinable static var size: Field<UInt64> { Field("size", at: 16) }
        @inlinable static var nbytes: Field<UInt64> { Field("nbytes", at: 24) }
        @inlinable static var blockGroup: Field<UInt64> { Field("block_group", at: 32) }
        @inlinable static var nlink: Field<UInt32> { Field("nlink", at: 40) }
        @inlinable static var uid: Field<UInt32> { Field("uid", at: 44) }
        @inlinable static var gid: Field<UInt32> { Field("gid", at: 48) }
        @inlinable static var mode: Field<UInt32> { Field("mode", at: 52) }
        @inlinable static var rdev: Field<UInt64> { Field("rdev", at: 56) }
        @inlinable static var flags: Field<InodeFlags> { Field("flags", at: 64) }
        @inlinable static var sequence: Field<UInt64> { Field("sequence", at: 72) }
        @inlinable static var reserved0: Field<UInt64> { Field("reserved0", at: 80) }
        @inlinable static var reserved1: Field<UInt64> { Field("reserved1", at: 88) }
        @inlinable static var reserved2: Field<UInt64> { Field("reserved2", at: 96) }
        @inlinable static var reserved3: Field<UInt64> { Field("reserved3", at: 104) }
        @inlinable static var atime: Field<Timestamp> { Field("atime", at: 112) }
        @inlinable static var ctime: Field<Timestamp> { Field("ctime", at: 124) }
        @inlinable static var mtime: Field<Timestamp> { Field("mtime", at: 136) }
        @inlinable static var otime: Field<Timestamp> { Field("otime", at: 148) }
    }

    public static let layout = Layout(
        "inode_item", byteCount: byteCount,
        [
            Fields.generation, Fields.transid, Fields.size, Fields.nbytes, Fields.blockGroup, Fields.nlink,
            Fields.uid, Fields.gid, Fields.mode.shown(.octal), Fields.rdev, Fields.flags, Fields.sequence,
            Fields.reserved0, Fields.reserved1, Fields.reserved2, Fields.reserved3,
            Fields.atime, Fields.ctime, Fields.mtime, Fields.otime,
        ])

    @inlinable
    public init(_ bytes: RawSpan) throws(FormatError) {
        generation = try Fields.generation.read(bytes)
        transid = try Fields.transid.read(bytes)
        size = try Fields.size.read(bytes)
        nbytes = try Fields.nbytes.read(bytes)
        blockGroup = try Fields.blockGroup.read(bytes)
        nlink = try Fields.nlink.read(bytes)
        uid = try Fields.uid.read(bytes)
        gid = try Fields.gid.read(bytes)
        mode = try Fields.mode.read(bytes)
        rdev = try Fields.rdev.read(bytes)
        flags = try Fields.flags.read(bytes)
        sequence = try Fields.sequence.read(bytes)
        reserved = (
            try Fields.reserved0.read(bytes), try Fields.reserved1.read(bytes),
            try Fields.reserved2.read(bytes), try Fields.reserved3.read(bytes)
        )
        atime = try Fields.atime.read(bytes)
        ctime = try Fields.ctime.read(bytes)
        mtime = try Fields.mtime.read(bytes)
        otime = try Fields.otime.read(bytes)
    }

    /// A new inode; what is not named is zero.
    public init(generation: Generation, mode: UInt32, nlink: UInt32 = 1, time: Timestamp) {
        self.generation = generation
        transid = generation
        size = 0
        nbytes = 0
        blockGroup = 0
        self.nlink = nlink
        uid = 0
        gid = 0
        self.mode = mode
        rdev = 0
        flags = []
        sequence = 0
        reserved = (0, 0, 0, 0)
        atime = time
        ctime = time
        mtime = time
        otime = time
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.generation.write(generation, to: &target, at: position)
        Fields.transid.write(transid, to: &target, at: position)
        Fields.size.write(size, to: &target, at: position)
        Fields.nbytes.write(nbytes, to: &target, at: position)
        Fields.blockGroup.write(blockGroup, to: &target, at: position)
        Fields.nlink.write(nlink, to: &target, at: position)
        Fields.uid.write(uid, to: &target, at: position)
        Fields.gid.write(gid, to: &target, at: position)
        Fields.mode.write(mode, to: &target, at: position)
        Fields.rdev.write(rdev, to: &target, at: position)
        Fields.flags.write(flags, to: &target, at: position)
        Fields.sequence.write(sequence, to: &target, at: position)
        Fields.reserved0.write(reserved.0, to: &target, at: position)
        Fields.reserved1.write(reserved.1, to: &target, at: position)
        Fields.reserved2.write(reserved.2, to: &target, at: position)
        Fields.reserved3.write(reserved.3, to: &target, at: position)
        Fields.atime.write(atime, to: &target, at: position)
        Fields.ctime.write(ctime, to: &target, at: position)
        Fields.mtime.write(mtime, to: &target, at: position)
        Fields.otime.write(otime, to: &target, at: position)
    }

    @inlinable
    public static func == (a: InodeItem, b: InodeItem) -> Bool {
        a.generation == b.generation && a.transid == b.transid && a.size == b.size && a.nbytes == b.nbytes
            && a.blockGroup == b.blockGroup && a.nlink == b.nlink && a.uid == b.uid && a.gid == b.gid
            && a.mode == b.mode && a.rdev == b.rdev && a.flags == b.flags && a.sequence == b.sequence
            && a.reserved == b.reserved && a.atime == b.atime && a.ctime == b.ctime && a.mtime == b.mtime
            && a.otime == b.otime
    }
}

extension InodeItem {
    /// The bits of `mode` that hold the file type.
    @inlinable public static var fileTypeMask: UInt32 { 0o170000 }

    /// Whether it is a directory, by its mode.
    @inlinable public var isDirectory: Bool { mode & Self.fileTypeMask == 0o040000 }
    /// Whether it is a regular file, by its mode.
    @inlinable public var isRegularFile: Bool { mode & Self.fileTypeMask == 0o100000 }
    /// Whether it is a symbolic link, by its mode.
    @inlinable public var isSymlink: Bool { mode & Self.fileTypeMask == 0o120000 }

    /// Sets the reserved bytes to zero. In a log they are whatever the kernel's memory held.
    public mutating func clearReserved() { reserved = (0, 0, 0, 0) }

    /// The link count of an item that is not decoded as a whole.
    @inlinable public static func nlink(in bytes: RawSpan) throws(FormatError) -> UInt32 {
        try Fields.nlink.read(bytes)
    }

    /// The mode of an item that is not decoded as a whole.
    @inlinable public static func mode(in bytes: RawSpan) throws(FormatError) -> UInt32 {
        try Fields.mode.read(bytes)
    }

    /// The flags of an item that is not decoded as a whole.
    @inlinable public static func flags(in bytes: RawSpan) throws(FormatError) -> InodeFlags {
        try Fields.flags.read(bytes)
    }

    /// Adds to what an inode counts, and notes the transaction, in an item that is not decoded as a whole: that would
    /// take ten times as long. Sums wrap around, as those of the kernel.
    ///
    /// - Throws: `FormatError.outOfBounds` for an item that is too short; it is then unchanged.
    @inlinable
    public static func add(
        size: UInt64 = 0, nbytes: UInt64 = 0, sequence: UInt64 = 0, transid: Generation,
        to item: inout MutableRawSpan
    ) throws(FormatError) {
        let (oldSize, oldCount) = (try Fields.size.read(item.bytes), try Fields.nbytes.read(item.bytes))
        let oldSequence = try Fields.sequence.read(item.bytes)
        Fields.size.write(oldSize &+ size, to: &item)
        Fields.nbytes.write(oldCount &+ nbytes, to: &item)
        Fields.sequence.write(oldSequence &+ sequence, to: &item)
        Fields.transid.write(transid, to: &item)
    }

    /// The type that directory entries of this inode carry; `.unknown` when `mode` has none.
    public var fileType: DirEntryType { DirEntryType(mode: mode) }
}

/// Properties of an inode; the upper half may be known to newer kernels only.
///
/// The corresponding kernel constants are `BTRFS_INODE_*` and `BTRFS_INODE_RO_*`.
public struct InodeFlags: OptionSet, Hashable, OpenFieldValue {
    public var rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The content has no checksums.
    @inlinable public static var noDataChecksum: Self { Self(rawValue: 1 << 0) }
    /// Content is overwritten in place where no snapshot shares it; implies `noDataChecksum` for what is written so.
    @inlinable public static var noDataCopyOnWrite: Self { Self(rawValue: 1 << 1) }
    /// Linux has the flag, and does not set it.
    @inlinable public static var readOnly: Self { Self(rawValue: 1 << 2) }
    /// The content is not to be compressed.
    @inlinable public static var noCompression: Self { Self(rawValue: 1 << 3) }
    /// The file has, or had, preallocated extents.
    @inlinable public static var preallocated: Self { Self(rawValue: 1 << 4) }
    /// Each write is to be made durable (`chattr +S`).
    @inlinable public static var synchronous: Self { Self(rawValue: 1 << 5) }
    /// Nothing of the inode may be changed (`chattr +i`).
    @inlinable public static var immutable: Self { Self(rawValue: 1 << 6) }
    /// Content may only be added at the end (`chattr +a`).
    @inlinable public static var appendOnly: Self { Self(rawValue: 1 << 7) }
    /// Backups are asked to leave it out (`chattr +d`).
    @inlinable public static var noDump: Self { Self(rawValue: 1 << 8) }
    /// The access time is not kept (`chattr +A`).
    @inlinable public static var noAccessTime: Self { Self(rawValue: 1 << 9) }
    /// Each change of the directory is to be made durable (`chattr +D`).
    @inlinable public static var synchronousDirectory: Self { Self(rawValue: 1 << 10) }
    /// The content is to be compressed (`chattr +c`).
    @inlinable public static var compress: Self { Self(rawValue: 1 << 11) }
    /// Only in the inode of a root item: flags and limits of the root item are valid.
    @inlinable public static var rootItemInitialized: Self { Self(rawValue: 1 << 31) }
    /// The file is protected by fs-verity; the one known flag of the upper half.
    @inlinable public static var verity: Self { Self(rawValue: 1 << 32) }

    /// The flags that kernel 6.18 knows.
    public static let known = Self(rawValue: 0xfff | 1 << 31 | 1 << 32)

    public static let names: NumberNames = [
        0: "NODATASUM", 1: "NODATACOW", 2: "READONLY", 3: "NOCOMPRESS", 4: "PREALLOC", 5: "SYNC",
        6: "IMMUTABLE", 7: "APPEND", 8: "NODUMP", 9: "NOATIME", 10: "DIRSYNC", 11: "COMPRESS",
        31: "ROOT_ITEM_INIT", 32: "VERITY",
    ]
    public static var fieldFormat: FieldFormat { .flags(names) }
}
