/// A piece of a file: where its data is.
///
/// Key: (inode, EXTENT_DATA, offset in the file). The first 21 bytes are common; a regular or preallocated
/// extent has 32 bytes more, an inline extent is followed by the data itself.
///
/// With compression, `offset`, `byteCount` and `ramBytes` count uncompressed bytes, `diskByteCount`
/// compressed ones.
///
/// The corresponding on-disk structure is `btrfs_file_extent_item`.
public struct FileExtent: Equatable, Sendable {
    /// The kinds of extents; an open set.
    public struct Kind: OpenFieldValue, Hashable, CustomStringConvertible {
        public var rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The data follows in the item.
        @inlinable public static var inline: Self { Self(rawValue: 0) }
        /// Data on disk, or a hole.
        @inlinable public static var regular: Self { Self(rawValue: 1) }
        /// Space that is allocated and reads as zeros.
        @inlinable public static var preallocated: Self { Self(rawValue: 2) }

        public static let names: NumberNames = [0: "inline", 1: "regular", 2: "prealloc"]
        public static var fieldFormat: FieldFormat { .named(names) }
        public var description: String { Self.names[UInt64(rawValue)] ?? "unknown \(rawValue)" }
    }

    /// The transaction that wrote the extent.
    public var generation: Generation
    /// The size of the whole extent, uncompressed.
    public var ramBytes: UInt64
    /// How the data is compressed.
    public var compression: Compression
    /// Always 0.
    public var encryption: UInt8
    /// Always 0.
    public var otherEncoding: UInt16
    /// Where the data is.
    public var kind: Kind
    /// Where the whole extent starts; 0 for a hole. The four last fields are 0 in an inline extent.
    public var diskAddress: LogicalAddress
    /// The size of the whole extent on disk.
    public var diskByteCount: UInt64
    /// Where in the extent this piece starts.
    public var offset: UInt64
    /// How many bytes of the file this piece covers.
    public var byteCount: UInt64
    /// How many bytes follow the header of an inline extent; 0 for the other kinds. Not a field of the disk:
    /// the size of the item says it.
    public var inlineByteCount: Int

    /// The size of a regular or preallocated extent in bytes.
    @inlinable public static var byteCount: Int { Fields.byteCount.end }
    /// Where the data of an inline extent starts.
    @inlinable public static var inlineOffset: Int { Fields.diskAddress.offset }

    @usableFromInline enum Fields {
        @inlinable static var generation: Field<Generation> { Field("generation", at: 0) }
        @inlinable static var ramBytes: Field<UInt64> { Field("ram_bytes", at: 8) }
        @inlinable static var compression: Field<Compression> { Field("compression", at: 16) }
        @inlinable static var encryption: Field<UInt8> { Field("encryption", at: 17) }
        @inlinable static var otherEncoding: Field<UInt16> { Field("other_encoding", at: 18) }
        @inlinable static var kind: Field<Kind> { Field("type", at: 20) }
        @inlinable static var diskAddress: Field<LogicalAddress> { Field("disk_bytenr", at: 21) }
        @inlinable static var diskByteCount: Field<UInt64> { Field("disk_num_bytes", at: 29) }
        @inlinable static var offset: Field<UInt64> { Field("offset", at: 37) }
        @inlinable static var byteCount: Field<UInt64> { Field("num_bytes", at: 45) }
    }

    private static let commonFields: [any LayoutElement] = [
        Fields.generation, Fields.ramBytes, Fields.compression, Fields.encryption, Fields.otherEncoding,
        Fields.kind,
    ]
    /// The fields of a regular or preallocated extent.
    public static let layout = Layout(
        "file_extent_item", byteCount: byteCount,
        commonFields + [Fields.diskAddress, Fields.diskByteCount, Fields.offset, Fields.byteCount])
    /// The fields in front of the data of an inline extent.
    public static let inlineLayout = Layout("file_extent_item", byteCount: inlineOffset, commonFields)

    /// Decodes an item; all of it, since its size says how much inline data there is.
    ///
    /// - Throws: `FormatError.outOfBounds` when it is shorter than its kind needs. An unknown kind is read
    ///   like a regular extent where there are bytes for it.
    @inlinable
    public init(_ bytes: RawSpan) throws(FormatError) {
        generation = try Fields.generation.read(bytes)
        ramBytes = try Fields.ramBytes.read(bytes)
        compression = try Fields.compression.read(bytes)
        encryption = try Fields.encryption.read(bytes)
        otherEncoding = try Fields.otherEncoding.read(bytes)
        kind = try Fields.kind.read(bytes)
        if kind == .inline {
            diskAddress = LogicalAddress(0)
            diskByteCount = 0
            offset = 0
            byteCount = 0
            inlineByteCount = bytes.byteCount - Self.inlineOffset
        } else {
            diskAddress = try Fields.diskAddress.read(bytes)
            diskByteCount = try Fields.diskByteCount.read(bytes)
            offset = try Fields.offset.read(bytes)
            byteCount = try Fields.byteCount.read(bytes)
            inlineByteCount = 0
        }
    }

    /// A regular or preallocated extent; with `diskAddress` 0 a hole.
    public init(
        generation: Generation, kind: Kind, compression: Compression = .none, ramBytes: UInt64,
        diskAddress: LogicalAddress, diskByteCount: UInt64, offset: UInt64, byteCount: UInt64
    ) {
        self.generation = generation
        self.ramBytes = ramBytes
        self.compression = compression
        encryption = 0
        otherEncoding = 0
        self.kind = kind
        self.diskAddress = diskAddress
        self.diskByteCount = diskByteCount
        self.offset = offset
        self.byteCount = byteCount
        inlineByteCount = 0
    }

    /// How many bytes of the file the item stands for: not rounded up for inline items.
    @inlinable public var fileByteCount: UInt64 { kind == .inline ? ramBytes : byteCount }

    /// The addresses of the data whose checksums this piece needs: of a compressed extent all of it. Nil where they
    /// would lie beyond the address space.
    public var checksummedRange: Range<UInt64>? {
        let isWhole = compression != .none
        let (start, overflow) = diskAddress.rawValue.addingReportingOverflow(isWhole ? 0 : offset)
        let (end, isTooFar) = start.addingReportingOverflow(isWhole ? diskByteCount : byteCount)
        return overflow || isTooFar ? nil : start..<end
    }

    /// A hole of `byteCount` bytes.
    public static func hole(byteCount: UInt64, generation: Generation) -> FileExtent {
        FileExtent(
            generation: generation, kind: .regular, ramBytes: byteCount, diskAddress: LogicalAddress(0),
            diskByteCount: 0, offset: 0, byteCount: byteCount)
    }

    /// An inline extent whose data takes `inlineByteCount` bytes in the item and `ramBytes` uncompressed.
    public static func inline(
        generation: Generation, compression: Compression = .none, ramBytes: UInt64, inlineByteCount: Int
    ) -> FileExtent {
        var extent = FileExtent(
            generation: generation, kind: .inline, compression: compression, ramBytes: ramBytes,
            diskAddress: LogicalAddress(0), diskByteCount: 0, offset: 0, byteCount: 0)
        extent.inlineByteCount = inlineByteCount
        return extent
    }

    /// Whether no disk space belongs to this piece, which reads as zeros.
    @inlinable public var isHole: Bool { kind != .inline && diskAddress.rawValue == 0 }
    /// Whether the content follows in the item.
    @inlinable public var isInline: Bool { kind == .inline }

    /// The fields on disk: 53 bytes, or for an inline extent the 21 in front of its data.
    public var encoded: [UInt8] {
        [UInt8](byteCount: isInline ? Self.inlineOffset : Self.byteCount) { (target: inout MutableRawSpan) in
            store(in: &target, at: 0)
        }
    }

    /// The whole item of an inline extent with this data.
    public func encoded(inlineData: RawSpan) -> [UInt8] {
        precondition(isInline, "only an inline extent has its data in the item")
        return [UInt8](byteCount: Self.inlineOffset + inlineData.byteCount) {
            (target: inout MutableRawSpan) in
            store(in: &target, at: 0)
            target.store(inlineData, at: Self.inlineOffset)
        }
    }

    public func store(in target: inout MutableRawSpan, at position: Int) {
        Fields.generation.write(generation, to: &target, at: position)
        Fields.ramBytes.write(ramBytes, to: &target, at: position)
        Fields.compression.write(compression, to: &target, at: position)
        Fields.encryption.write(encryption, to: &target, at: position)
        Fields.otherEncoding.write(otherEncoding, to: &target, at: position)
        Fields.kind.write(kind, to: &target, at: position)
        if isInline { return }
        Fields.diskAddress.write(diskAddress, to: &target, at: position)
        Fields.diskByteCount.write(diskByteCount, to: &target, at: position)
        Fields.offset.write(offset, to: &target, at: position)
        Fields.byteCount.write(byteCount, to: &target, at: position)
    }
}

/// How the data of an extent is compressed; an open set.
///
/// The corresponding kernel constants are `BTRFS_COMPRESS_*`.
public struct Compression: OpenFieldValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// As it is.
    @inlinable public static var none: Self { Self(rawValue: 0) }
    /// A zlib stream.
    @inlinable public static var zlib: Self { Self(rawValue: 1) }
    /// LZO segments, one for each sector, each with its size in front.
    @inlinable public static var lzo: Self { Self(rawValue: 2) }
    /// A zstd frame.
    @inlinable public static var zstd: Self { Self(rawValue: 3) }

    public static let names: NumberNames = [0: "none", 1: "zlib", 2: "lzo", 3: "zstd"]
    public static var fieldFormat: FieldFormat { .named(names) }
    public var description: String { Self.names[UInt64(rawValue)] ?? "unknown \(rawValue)" }
}
