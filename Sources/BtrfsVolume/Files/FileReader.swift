public import BtrfsFormat

/// Reads the content of files: holes and preallocated extents as zeros, compressed extents decompressed,
/// every sector verified that has a checksum, with the other copies tried where one is wrong.
///
/// Uses one mebibyte of memory whatever the size of the file. The names of the kernel for what it does are
/// `btrfs_do_readpage` and `btrfs_check_read_bio`.
public final class FileReader {
    private let volume: Volume
    private let checksums: ChecksumReader?
    private let decompressor = Decompressor()
    private let raw = BlockBuffer(count: 1 << 20)
    private let plain = BlockBuffer(count: Decompressor.maximumByteCount)
    /// The compressed extent that `plain` holds: an extent may be in a file in many pieces.
    private var decompressed: LogicalAddress?

    /// - Parameter checksumTree: the tree with the checksums of data; without it nothing is verified.
    public init(_ volume: Volume, checksumTree: Tree?) {
        self.volume = volume
        checksums = checksumTree.map { ChecksumReader($0) }
    }

    /// Gives `sink` the whole content of a regular file or the target of a symbolic link.
    ///
    /// - Throws: `VolumeError.damaged` for data that fails its checksum on every copy, or that cannot be
    ///   decompressed; what reading devices and `sink` throw.
    /// - Complexity: O(size); a hole costs what `sink` makes of zeros.
    public func read(
        _ inode: ObjectID, of namespace: Namespace, into sink: inout some ByteSink
    ) throws(VolumeError) {
        guard let item = try namespace.inode(inode) else {
            throw namespace.missing(Key(inode, .inodeItem, 0))
        }
        checksums?.forgetPlace()
        var part = FilePart(range: 0..<item.size, verify: !item.flags.contains(.noDataChecksum))
        var extents = namespace.extents(of: inode)
        while let element = try extents.next(), part.position < part.end {
            try read(element, of: extents.cursor, &part, into: &sink)
        }
        try sink.writeZeros(part.end - part.position)
    }

    /// Gives `sink` the bytes of `range`, which must lie within the file and start at a
    /// sector; zeros for what has no extent.
    public func read(
        _ inode: ObjectID, _ item: InodeItem, range: Range<UInt64>, of namespace: Namespace,
        into sink: inout some ByteSink
    ) throws(VolumeError) {
        checksums?.forgetPlace()
        var part = FilePart(range: range, verify: !item.flags.contains(.noDataChecksum))
        var extents = namespace.extents(of: inode)
        try extents.skip(to: range.lowerBound)
        while let element = try extents.next(), part.position < part.end {
            try read(element, of: extents.cursor, &part, into: &sink)
        }
        try sink.writeZeros(part.end - part.position)
    }

    /// What is left of a file to be read.
    private struct FilePart {
        var position: UInt64
        let end: UInt64
        let verify: Bool

        init(range: Range<UInt64>, verify: Bool) {
            position = range.lowerBound
            end = range.upperBound
            self.verify = verify
        }
    }

    /// Reads the piece of the file that one extent stands for, and zeros for the gap in front of it.
    private func read(
        _ element: FileExtents.Element, of cursor: TreeCursor, _ part: inout FilePart,
        into sink: inout some ByteSink
    ) throws(VolumeError) {
        let end = min(element.end, part.end)
        guard end > part.position else { return }
        if element.start > part.position {
            let gap = min(element.start, part.end) - part.position
            try sink.writeZeros(gap)
            part.position += gap
        }
        let count = end - min(part.position, end)
        guard count > 0 else { return }
        let skipped = part.position - element.start
        let extent = element.extent
        part.position = end
        if extent.kind == .preallocated || extent.isHole { return try sink.writeZeros(count) }
        guard extent.encryption == 0, extent.otherEncoding == 0 else {
            throw .unsupported("file data with an encryption or encoding that nobody defined")
        }
        if extent.isInline {
            try readInline(element, cursor.data, skipped, count, into: &sink)
        } else if extent.compression == .none {
            let address = extent.diskAddress.rawValue
            let (start, overflow) = address.addingReportingOverflow(extent.offset &+ skipped)
            guard !overflow else { throw damaged("an extent over the end of the address space", element) }
            try readPlain(LogicalAddress(start), count, verify: part.verify, into: &sink)
        } else {
            try decompress(element, verify: part.verify)
            try writePlain(extent.offset &+ skipped, count, element, into: &sink)
        }
    }

    private func damaged(_ text: String, _ element: FileExtents.Element) -> VolumeError {
        .damaged(text, block: element.leaf, slot: nil, key: element.key)
    }

    // MARK: Inline

    private func readInline(
        _ element: FileExtents.Element, _ item: RawSpan, _ skipped: UInt64, _ count: UInt64,
        into sink: inout some ByteSink
    ) throws(VolumeError) {
        let payload = item.extracting(FileExtent.inlineOffset..<item.byteCount)
        if element.extent.compression != .none {
            try decompress(payload, element)
            decompressed = nil
            return try writePlain(skipped, count, element, into: &sink)
        }
        guard element.extent.ramBytes <= UInt64(payload.byteCount) else {
            throw damaged("an inline extent with less data than it says", element)
        }
        try sink.write(payload.extracting(Int(skipped)..<Int(skipped + count)))
    }

    // MARK: Without compression

    private func readPlain(
        _ address: LogicalAddress, _ count: UInt64, verify: Bool, into sink: inout some ByteSink
    ) throws(VolumeError) {
        let raw = raw
        let sector = volume.sectorSize
        var address = address
        var left = count
        while left > 0 {
            let wanted = Int(min(left, UInt64(raw.count)))
            let whole = (wanted + sector - 1) / sector * sector
            try load(whole, from: address, verify: verify)
            try sink.write(raw.bytes.extracting(0..<wanted))
            left -= UInt64(wanted)
            address = LogicalAddress(address.rawValue &+ UInt64(wanted))
        }
    }

    /// Fills the first `count` bytes of `raw`, whole sectors, and verifies them.
    private func load(_ count: Int, from address: LogicalAddress, verify: Bool) throws(VolumeError) {
        let volume = volume
        try raw.change { (span: inout MutableRawSpan) throws(VolumeError) in
            var part = span._mutatingExtracting(0..<count)
            try volume.readData(into: &part, at: address)
        }
        guard verify, let checksums else { return }
        let sector = volume.sectorSize
        for offset in stride(from: 0, to: count, by: sector) {
            let at = LogicalAddress(address.rawValue &+ UInt64(offset))
            guard try !checksums.matches(sector: raw, at: offset, address: at) else { continue }
            try repair(offset, at, checksums)
        }
    }

    /// Reads one sector from every copy until its checksum is right.
    private func repair(
        _ offset: Int, _ address: LogicalAddress, _ checksums: ChecksumReader
    ) throws(VolumeError) {
        let volume = volume
        for mirror in 0..<volume.mirrorCount(at: address) {
            do throws(VolumeError) {
                try raw.change { (span: inout MutableRawSpan) throws(VolumeError) in
                    var part = span._mutatingExtracting(offset..<offset + volume.sectorSize)
                    try volume.readData(into: &part, at: address, mirror: mirror)
                }
            } catch { continue }
            if try checksums.matches(sector: raw, at: offset, address: address) { return }
        }
        throw .damaged("the checksum of file data is wrong on every copy", block: address)
    }

    // MARK: Compressed

    /// Makes `plain` hold the whole extent, decompressed.
    private func decompress(_ element: FileExtents.Element, verify: Bool) throws(VolumeError) {
        let extent = element.extent
        if decompressed == extent.diskAddress { return }
        guard extent.diskByteCount <= Decompressor.maximumByteCount,
            extent.diskByteCount % UInt64(volume.sectorSize) == 0
        else { throw damaged("a compressed extent of \(extent.diskByteCount) bytes", element) }
        let raw = raw
        try load(Int(extent.diskByteCount), from: extent.diskAddress, verify: verify)
        try decompress(raw.bytes.extracting(0..<Int(extent.diskByteCount)), element)
        decompressed = extent.diskAddress
    }

    private func decompress(_ source: RawSpan, _ element: FileExtents.Element) throws(VolumeError) {
        let extent = element.extent
        guard extent.ramBytes <= Decompressor.maximumByteCount else {
            throw damaged("a compressed extent of \(extent.ramBytes) bytes", element)
        }
        guard [.zlib, .lzo, .zstd].contains(extent.compression) else {
            throw .unsupported("data compressed by method \(extent.compression)")
        }
        decompressed = nil
        let size = Int(extent.ramBytes)
        plain.clear(0, count: plain.count)
        var produced: Int?
        let (decompressor, sector) = (decompressor, volume.sectorSize)
        plain.change { (span: inout MutableRawSpan) in
            var target = span._mutatingExtracting(0..<size)
            produced = decompressor.decompress(
                extent.compression, source, into: &target, sectorSize: sector)
        }
        if produced == nil { throw damaged("data that cannot be decompressed", element) }
    }

    /// Gives `sink` a piece of the decompressed extent.
    private func writePlain(
        _ start: UInt64, _ count: UInt64, _ element: FileExtents.Element, into sink: inout some ByteSink
    ) throws(VolumeError) {
        let plain = plain
        let (end, overflow) = start.addingReportingOverflow(count)
        guard !overflow, end <= UInt64(plain.count) else {
            throw damaged("a piece that lies outside its compressed extent", element)
        }
        try sink.write(plain.bytes.extracting(Int(start)..<Int(end)))
    }
}

/// Finds the checksums of data. Stays in the item of the last one, where the next one mostly is.
final class ChecksumReader {
    private let cursor: TreeCursor
    private let type: ChecksumType
    private let sectorSize: Int
    /// The addresses that the item under the cursor has checksums for.
    private var covered: Range<UInt64> = 0..<0

    init(_ tree: Tree) {
        cursor = tree.makeCursor()
        type = tree.volume.superblock.checksumType
        sectorSize = tree.volume.sectorSize
    }

    /// Makes the next look-up search the tree: it may have changed.
    func forgetPlace() { covered = 0..<0 }

    /// Whether the sector of `buffer` at `offset` has the checksum of the sector at `address`; true as well
    /// where there is no checksum.
    func matches(
        sector buffer: BlockBuffer, at offset: Int, address: LogicalAddress
    ) throws(VolumeError) -> Bool {
        if !covered.contains(address.rawValue), try !seek(address) { return true }
        let cursor = cursor
        let index = Int(address.rawValue - covered.lowerBound) / sectorSize
        let start = index * type.size
        guard start + type.size <= cursor.data.byteCount else { return true }
        return type.matches(
            buffer.bytes.extracting(offset..<offset + sectorSize),
            stored: cursor.data.extracting(start..<start + type.size))
    }

    private func seek(_ address: LogicalAddress) throws(VolumeError) -> Bool {
        let cursor = cursor
        covered = 0..<0
        guard try cursor.seekLast(through: Key(.extentChecksum, .extentChecksum, address.rawValue)) else {
            return false
        }
        let key = cursor.key
        guard key.objectID == .extentChecksum, key.type == .extentChecksum else { return false }
        let byteCount = UInt64(cursor.data.byteCount / type.size * sectorSize)
        let (end, overflow) = key.offset.addingReportingOverflow(byteCount)
        guard !overflow, address.rawValue < end else { return false }
        covered = key.offset..<end
        return true
    }
}
