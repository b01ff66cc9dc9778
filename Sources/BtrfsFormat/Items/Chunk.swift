/// Where a range of logical addresses lies on the devices.
///
/// Key: (256, CHUNK_ITEM, first logical address). 48 bytes, then 32 for each stripe.
///
/// The corresponding on-disk structure is `btrfs_chunk`.
public struct Chunk: Equatable, Sendable {
    /// A place on a device.
    ///
    /// The corresponding on-disk structure is `btrfs_stripe`.
    public struct Stripe: FixedSizeItem {
        /// The number of the device.
        public var deviceID: UInt64
        /// Where the stripe starts on the device, in bytes.
        public var physical: UInt64
        /// The UUID of the device.
        public var deviceUUID: UUID

        public static var byteCount: Int { Fields.deviceUUID.end }

        enum Fields {
            static var deviceID: Field<UInt64> { Field("devid", at: 0) }
            static var physical: Field<UInt64> { Field("offset", at: 8) }
            static var deviceUUID: Field<UUID> { Field("dev_uuid", at: 16) }
        }
        public static let layout = Layout(
            "stripe", byteCount: byteCount, [Fields.deviceID, Fields.physical, Fields.deviceUUID])

        public init(_ bytes: RawSpan) throws(FormatError) {
            deviceID = try Fields.deviceID.read(bytes)
            physical = try Fields.physical.read(bytes)
            deviceUUID = try Fields.deviceUUID.read(bytes)
        }

        /// A stripe of a chunk.
        public init(deviceID: UInt64, physical: UInt64, deviceUUID: UUID) {
            self.deviceID = deviceID
            self.physical = physical
            self.deviceUUID = deviceUUID
        }

        public func store(in target: inout MutableRawSpan, at position: Int) {
            Fields.deviceID.write(deviceID, to: &target, at: position)
            Fields.physical.write(physical, to: &target, at: position)
            Fields.deviceUUID.write(deviceUUID, to: &target, at: position)
        }
    }

    /// The number of logical bytes.
    public var length: UInt64
    /// The extent tree (2).
    public var owner: ObjectID
    /// Bytes on one device before the next one follows: 65536.
    public var stripeLength: UInt64
    /// Type and profile.
    public var type: BlockGroupFlags
    /// Bookkeeping of the kernel, in bytes.
    public var ioAlign: UInt32
    /// Bookkeeping of the kernel, in bytes.
    public var ioWidth: UInt32
    /// The size of a sector in bytes.
    public var sectorSize: UInt32
    /// For RAID10 the number of copies.
    public var subStripes: UInt16
    /// Where the chunk lies, a stripe for each device or copy.
    public var stripes: [Stripe]

    /// The object ID of all chunk items.
    @inlinable public static var objectID: ObjectID { ObjectID(256) }
    /// The size without the stripes.
    public static var headerByteCount: Int { Fields.subStripes.end }
    /// The size with so many stripes, in bytes.
    public static func byteCount(stripes: Int) -> Int { headerByteCount + stripes * Stripe.byteCount }

    enum Fields {
        static var length: Field<UInt64> { Field("length", at: 0) }
        static var owner: Field<ObjectID> { Field("owner", at: 8) }
        static var stripeLength: Field<UInt64> { Field("stripe_len", at: 16) }
        static var type: Field<BlockGroupFlags> { Field("type", at: 24) }
        static var ioAlign: Field<UInt32> { Field("io_align", at: 32) }
        static var ioWidth: Field<UInt32> { Field("io_width", at: 36) }
        static var sectorSize: Field<UInt32> { Field("sector_size", at: 40) }
        static var stripeCount: Field<UInt16> { Field("num_stripes", at: 44) }
        static var subStripes: Field<UInt16> { Field("sub_stripes", at: 46) }
    }
    /// The fields in front of the stripes.
    public static let layout = Layout(
        "chunk", byteCount: headerByteCount,
        [
            Fields.length, Fields.owner, Fields.stripeLength, Fields.type, Fields.ioAlign, Fields.ioWidth,
            Fields.sectorSize, Fields.stripeCount, Fields.subStripes,
        ])

    /// Decodes the chunk at the start of `bytes`; what follows its stripes is ignored.
    ///
    /// - Throws: `FormatError.outOfBounds` when header or stripes do not lie within `bytes`.
    public init(_ bytes: RawSpan) throws(FormatError) {
        length = try Fields.length.read(bytes)
        owner = try Fields.owner.read(bytes)
        stripeLength = try Fields.stripeLength.read(bytes)
        type = try Fields.type.read(bytes)
        ioAlign = try Fields.ioAlign.read(bytes)
        ioWidth = try Fields.ioWidth.read(bytes)
        sectorSize = try Fields.sectorSize.read(bytes)
        subStripes = try Fields.subStripes.read(bytes)
        stripes = []
        let count = Int(try Fields.stripeCount.read(bytes))
        for index in 0..<count {
            stripes.append(
                try Stripe(bytes.slice(at: Self.byteCount(stripes: index), count: Stripe.byteCount)))
        }
    }

    /// A chunk.
    public init(
        length: UInt64, owner: ObjectID = .extentTree, stripeLength: UInt64 = 65536, type: BlockGroupFlags,
        ioAlign: UInt32 = 65536, ioWidth: UInt32 = 65536, sectorSize: UInt32, subStripes: UInt16,
        stripes: [Stripe]
    ) {
        precondition(stripes.count <= UInt16.max, "a chunk has at most 65535 stripes")
        self.length = length
        self.owner = owner
        self.stripeLength = stripeLength
        self.type = type
        self.ioAlign = ioAlign
        self.ioWidth = ioWidth
        self.sectorSize = sectorSize
        self.subStripes = subStripes
        self.stripes = stripes
    }

    public var encoded: [UInt8] {
        [UInt8](byteCount: Self.byteCount(stripes: stripes.count)) { (target: inout MutableRawSpan) in
            Fields.length.write(length, to: &target)
            Fields.owner.write(owner, to: &target)
            Fields.stripeLength.write(stripeLength, to: &target)
            Fields.type.write(type, to: &target)
            Fields.ioAlign.write(ioAlign, to: &target)
            Fields.ioWidth.write(ioWidth, to: &target)
            Fields.sectorSize.write(sectorSize, to: &target)
            Fields.stripeCount.write(UInt16(stripes.count), to: &target)
            Fields.subStripes.write(subStripes, to: &target)
            for (index, stripe) in stripes.enumerated() {
                stripe.store(in: &target, at: Self.byteCount(stripes: index))
            }
        }
    }
}
