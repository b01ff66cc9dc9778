/// Whether and how quotas are kept.
///
/// Key: (0, QGROUP_STATUS, 0), in the quota tree. The last field is there with simple quotas, and where a Linux made
/// the item that knows them.
///
/// The corresponding on-disk structure is `btrfs_qgroup_status_item`.
public struct QgroupStatus: Equatable, Sendable {
    /// The state of the quotas.
    public struct Flags: OptionSet, Hashable, OpenFieldValue {
        public var rawValue: UInt64
        @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
        /// Quotas are kept.
        @inlinable public static var on: Self { Self(rawValue: 1 << 0) }
        /// A rescan is under way.
        @inlinable public static var rescan: Self { Self(rawValue: 1 << 1) }
        /// The numbers are wrong; a rescan must follow.
        @inlinable public static var inconsistent: Self { Self(rawValue: 1 << 2) }
        /// Each extent is charged to the subvolume that wrote it first.
        @inlinable public static var simple: Self { Self(rawValue: 1 << 3) }

        public static let names: NumberNames = [0: "ON", 1: "RESCAN", 2: "INCONSISTENT", 3: "SIMPLE_MODE"]
        public static var fieldFormat: FieldFormat { .flags(names) }
    }

    /// The version of the format; always 1.
    public var version: UInt64
    /// The transaction up to which the numbers are right.
    public var generation: Generation
    /// The state of the quotas.
    public var flags: Flags
    /// How far a rescan has come.
    public var rescan: UInt64
    /// The transaction in which simple quotas were turned on; nil where the item has no such field.
    public var enableGeneration: Generation?

    /// The size without the field of simple quotas.
    public static var byteCount: Int { Fields.rescan.end }

    enum Fields {
        static var version: Field<UInt64> { Field("version", at: 0) }
        static var generation: Field<Generation> { Field("generation", at: 8) }
        static var flags: Field<Flags> { Field("flags", at: 16) }
        static var rescan: Field<UInt64> { Field("rescan", at: 24) }
        static var enableGeneration: Field<Generation> { Field("enable_gen", at: 32) }
    }
    private static let commonFields: [any LayoutElement] = [
        Fields.version, Fields.generation, Fields.flags, Fields.rescan,
    ]
    public static let layout = Layout("qgroup_status_item", byteCount: byteCount, commonFields)
    /// The layout with simple quotas.
    public static let simpleLayout = Layout(
        "qgroup_status_item", byteCount: Fields.enableGeneration.end,
        commonFields + [Fields.enableGeneration])

    /// - Throws: `FormatError.outOfBounds` when the item has less than 32 bytes.
    public init(_ bytes: RawSpan) throws(FormatError) {
        version = try Fields.version.read(bytes)
        generation = try Fields.generation.read(bytes)
        flags = try Fields.flags.read(bytes)
        rescan = try Fields.rescan.read(bytes)
        enableGeneration =
            bytes.byteCount >= Fields.enableGeneration.end ? try Fields.enableGeneration.read(bytes) : nil
    }

    /// The state of the quotas of a volume.
    public init(
        generation: Generation, flags: Flags, rescan: UInt64 = 0, enableGeneration: Generation? = nil
    ) {
        version = 1
        self.generation = generation
        self.flags = flags
        self.rescan = rescan
        self.enableGeneration = enableGeneration
    }

    public var encoded: [UInt8] {
        let size = enableGeneration == nil ? Self.byteCount : Fields.enableGeneration.end
        return [UInt8](byteCount: size) { (target: inout MutableRawSpan) in
            Fields.version.write(version, to: &target)
            Fields.generation.write(generation, to: &target)
            Fields.flags.write(flags, to: &target)
            Fields.rescan.write(rescan, to: &target)
            if let enableGeneration { Fields.enableGeneration.write(enableGeneration, to: &target) }
        }
    }
}

/// How many bytes a quota group uses.
///
/// Key: (0, QGROUP_INFO, number of the group). Compressed sizes are not counted: with full quotas both pairs of fields
/// are equal, with simple ones the second stays as it was.
///
/// The corresponding on-disk structure is `btrfs_qgroup_info_item`.
public struct QgroupInfo: FixedSizeItem {
    /// The transaction that counted last.
    public var generation: Generation
    /// Bytes that are reachable from the group.
    public var referenced: UInt64
    /// Not told apart by full quotas, and not counted by simple ones.
    public var referencedCompressed: UInt64
    /// Bytes that only this group reaches.
    public var exclusive: UInt64
    /// Not told apart by full quotas, and not counted by simple ones.
    public var exclusiveCompressed: UInt64

    public static var byteCount: Int { Fields.exclusiveCompressed.end }

    enum Fields {
        static var generation: Field<Generation> { Field("generation", at: 0) }
        static var referenced: Field<UInt64> { Field("rfer", at: 8) }
        static var referencedCompressed: Field<UInt64> { Field("rfer_cmpr", at: 16) }
        static var exclusive: Field<UInt64> { Field("excl", at: 24) }
        static var exclusiveCompressed: Field<UInt64> { Field("excl_cmpr", at: 32) }
    }
    public static let layout = Layout(
        "qgroup_info_item", byteCount: byteCount,
        [
            Fields.generation, Fields.referenced, Fields.referencedCompressed, Fields.exclusive,
            Fields.exclusiveCompressed,
        ])

    public init(_ bytes: RawSpan) throws(FormatError) {
        generation = try Fields.generation.read(bytes)
        referenced = try Fields.referenced.read(bytes)
        referencedCompressed = try Fields.referencedCompressed.read(bytes)
        exclusive = try Fields.exclusive.read(bytes)
        exclusiveCompressed = try Fields.exclusiveCompressed.read(bytes)
    }

    /// What a group uses.
    public init(generation: Generation, referenced: UInt64, exclusive: UInt64) {
        self.generation = generation
        self.referenced = referenced
        referencedCompressed = referenced
        self.exclusive = exclusive
        exclusiveCompressed = exclusive
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.generation.write(generation, to: &target, at: position)
        Fields.referenced.write(referenced, to: &target, at: position)
        Fields.referencedCompressed.write(referencedCompressed, to: &target, at: position)
        Fields.exclusive.write(exclusive, to: &target, at: position)
        Fields.exclusiveCompressed.write(exclusiveCompressed, to: &target, at: position)
    }
}

/// How many bytes a quota group may use.
///
/// Key: (0, QGROUP_LIMIT, number of the group).
///
/// The corresponding on-disk structure is `btrfs_qgroup_limit_item`.
public struct QgroupLimit: FixedSizeItem {
    /// Which limits are in force.
    public struct Flags: OptionSet, Hashable, OpenFieldValue {
        public var rawValue: UInt64
        @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
        /// `QgroupLimit.maximumReferenced` counts.
        @inlinable public static var maximumReferenced: Self { Self(rawValue: 1 << 0) }
        /// `QgroupLimit.maximumExclusive` counts.
        @inlinable public static var maximumExclusive: Self { Self(rawValue: 1 << 1) }
        /// `QgroupLimit.reservedReferenced` counts.
        @inlinable public static var reservedReferenced: Self { Self(rawValue: 1 << 2) }
        /// `QgroupLimit.reservedExclusive` counts.
        @inlinable public static var reservedExclusive: Self { Self(rawValue: 1 << 3) }

        public static let names: NumberNames = [0: "MAX_RFER", 1: "MAX_EXCL", 2: "RSV_RFER", 3: "RSV_EXCL"]
        public static var fieldFormat: FieldFormat { .flags(names) }
    }

    /// Which limits are set.
    public var flags: Flags
    /// The most that the group may refer to, in bytes.
    public var maximumReferenced: UInt64
    /// The most that the group may have for itself, in bytes.
    public var maximumExclusive: UInt64
    /// Not used by the kernel.
    public var reservedReferenced: UInt64
    /// Not used by the kernel.
    public var reservedExclusive: UInt64

    public static var byteCount: Int { Fields.reservedExclusive.end }

    enum Fields {
        static var flags: Field<Flags> { Field("flags", at: 0) }
        static var maximumReferenced: Field<UInt64> { Field("max_rfer", at: 8) }
        static var maximumExclusive: Field<UInt64> { Field("max_excl", at: 16) }
        static var reservedReferenced: Field<UInt64> { Field("rsv_rfer", at: 24) }
        static var reservedExclusive: Field<UInt64> { Field("rsv_excl", at: 32) }
    }
    public static let layout = Layout(
        "qgroup_limit_item", byteCount: byteCount,
        [
            Fields.flags, Fields.maximumReferenced, Fields.maximumExclusive, Fields.reservedReferenced,
            Fields.reservedExclusive,
        ])

    public init(_ bytes: RawSpan) throws(FormatError) {
        flags = try Fields.flags.read(bytes)
        maximumReferenced = try Fields.maximumReferenced.read(bytes)
        maximumExclusive = try Fields.maximumExclusive.read(bytes)
        reservedReferenced = try Fields.reservedReferenced.read(bytes)
        reservedExclusive = try Fields.reservedExclusive.read(bytes)
    }

    /// The limits of a group.
    public init(
        flags: Flags = [], maximumReferenced: UInt64 = 0, maximumExclusive: UInt64 = 0,
        reservedReferenced: UInt64 = 0, reservedExclusive: UInt64 = 0
    ) {
        self.flags = flags
        self.maximumReferenced = maximumReferenced
        self.maximumExclusive = maximumExclusive
        self.reservedReferenced = reservedReferenced
        self.reservedExclusive = reservedExclusive
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.flags.write(flags, to: &target, at: position)
        Fields.maximumReferenced.write(maximumReferenced, to: &target, at: position)
        Fields.maximumExclusive.write(maximumExclusive, to: &target, at: position)
        Fields.reservedReferenced.write(reservedReferenced, to: &target, at: position)
        Fields.reservedExclusive.write(reservedExclusive, to: &target, at: position)
    }
}
