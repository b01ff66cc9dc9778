public import BtrfsFormat

/// A run of a file and where it lies, as the kernel's FIEMAP reports it.
public struct MappedExtent: Equatable, Sendable {
    /// What the report says of a run.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The data is in the tree.
        public static let inline = Flags(rawValue: 1 << 0)
        /// Allocated, and reads as zeros.
        public static let preallocated = Flags(rawValue: 1 << 1)
        /// Compressed.
        public static let encoded = Flags(rawValue: 1 << 2)
        /// Other files, or other places of this one, have the extent too.
        public static let shared = Flags(rawValue: 1 << 3)
    }

    /// Where in the file the run starts.
    public var offset: UInt64
    /// How many bytes of the file it covers.
    public var byteCount: UInt64
    /// Where it is in the address space of the volume; 0 for inline data.
    public var address: LogicalAddress
    /// What is special about it.
    public var flags: Flags
}

/// The extents of a file with neighbours joined, as the kernel's FIEMAP reports them. Holes are left out.
///
/// The corresponding kernel function is `extent_fiemap`.
public struct FileMap {
    private var extents: FileExtents
    private let sharing: ExtentSharing?
    private let sectorSize: UInt64
    private var pending: MappedExtent?

    init(_ namespace: Namespace, of inode: ObjectID, sharing: ExtentSharing?) {
        extents = namespace.extents(of: inode)
        self.sharing = sharing
        sectorSize = namespace.sectorSize
    }

    /// The next run; nil behind the last.
    public mutating func next() throws(VolumeError) -> MappedExtent? {
        while let element = try extents.next() {
            guard let run = try run(element) else { continue }
            guard let before = pending else {
                pending = run
                continue
            }
            if before.offset &+ before.byteCount == run.offset,
                before.address.rawValue &+ before.byteCount == run.address.rawValue, before.flags == run.flags
            {
                pending?.byteCount &+= run.byteCount
            } else {
                pending = run
                return before
            }
        }
        defer { pending = nil }
        return pending
    }

    /// What the report says of one extent item; nil for a hole.
    private func run(_ element: FileExtents.Element) throws(VolumeError) -> MappedExtent? {
        let extent = element.extent
        if extent.isHole { return nil }
        var flags: MappedExtent.Flags = extent.compression == .none ? [] : .encoded
        var address = extent.diskAddress.rawValue
        if extent.isInline {
            flags.insert(.inline)
        } else {
            // The place of a piece of compressed data is that of the whole extent.
            if extent.compression == .none { address &+= extent.offset }
            if extent.kind == .preallocated { flags.insert(.preallocated) }
            if let sharing, try sharing.isShared(extent, at: element.key) { flags.insert(.shared) }
        }
        return MappedExtent(
            offset: element.start, byteCount: element.sectorEnd(sectorSize) - element.start,
            address: LogicalAddress(address), flags: flags)
    }
}
