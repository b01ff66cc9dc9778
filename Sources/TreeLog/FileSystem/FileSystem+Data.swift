internal import BtrfsFormat
internal import BtrfsVolume

/// Whole sectors that are to be written to a file.
struct DataSegment {
    /// Where in the file, a multiple of the sector size.
    var offset: UInt64
    /// The content.
    var bytes: [UInt8]

    var range: Range<UInt64> { offset..<offset + UInt64(bytes.count) }
}

/// Where the content of a change goes, found before anything changes.
struct DataPlan {
    /// A part of a segment, and where it goes.
    enum Piece {
        /// New space; one place after the other.
        case new(range: Range<UInt64>, places: [Range<UInt64>])
        /// Over what is there.
        case inPlace(range: Range<UInt64>, address: UInt64, isPreallocated: Bool)
    }

    var segments: [DataSegment]
    var pieces: [Piece] = []
    /// The whole content of a file that keeps it in the tree.
    var inline: [UInt8]?
    /// How many tree blocks the change may copy or add.
    var blocks: Int
    /// How many references of extents it changes besides.
    var references = 0
}

extension FileSystem {
    /// The largest size of a file.
    public static let maximumFileByteCount = UInt64(Int64.max)
    /// The end of the last sector that a file can have.
    static let contentEnd: UInt64 = 1 << 63
    /// How much of a file is read at once at most, in bytes. The corresponding kernel constant is `MAX_RW_COUNT`.
    public static let maximumReadByteCount: UInt64 = 0x7fff_f000
    /// The largest extent of written data. The corresponding kernel constant is `BTRFS_MAX_EXTENT_SIZE`.
    static let maximumExtentByteCount: UInt64 = 128 << 20

    var sectorSize: UInt64 { UInt64(volume.sectorSize) }
    func sectorStart(_ offset: UInt64) -> UInt64 { offset / sectorSize * sectorSize }
    func sectorEnd(_ offset: UInt64) -> UInt64 { sectorStart(offset &+ (sectorSize - 1)) }

    var hasExplicitHoles: Bool { !volume.superblock.incompat.contains(.noHoles) }

    /// - Throws: what makes changing the content of a file impossible.
    func checkContentChange(_ location: FileLocation, _ inode: InodeItem) throws {
        guard !inode.isDirectory else { throw Errno.isDirectory }
        guard inode.isRegularFile else { throw Errno.invalid }
        try checkWritable(location.subvolume)
        guard inode.flags.isDisjoint(with: [.immutable, .verity]) else { throw Errno.notPermitted }
    }

    /// The sectors from `range` with what the file has there; zeros behind its end.
    func segment(_ range: Range<UInt64>, of location: FileLocation) throws -> DataSegment {
        var bytes = try content(of: location, at: range.lowerBound, count: range.upperBound - range.lowerBound)
        bytes += [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound) - bytes.count)
        return DataSegment(offset: range.lowerBound, bytes: bytes)
    }

    /// The sector that holds `offset`, with zeros in `zeros`.
    func sector(at offset: UInt64, zeroing zeros: Range<UInt64>, of location: FileLocation) throws -> DataSegment {
        let start = sectorStart(offset)
        var segment = try self.segment(start..<start + sectorSize, of: location)
        for position in zeros.clamped(to: segment.range) { segment.bytes[Int(position - start)] = 0 }
        return segment
    }

    /// The sector in which the file ends, if it ends in the middle of one: it is written anew before the file grows, so
    /// that what lies behind the end on disk does not come to light.
    ///
    /// The corresponding kernel function is `btrfs_truncate_block`, as `btrfs_cont_expand` calls it.
    func lastSector(of location: FileLocation, size: UInt64) throws -> [DataSegment] {
        guard size % sectorSize != 0 else { return [] }
        return [try segment(sectorStart(size)..<sectorEnd(size), of: location)]
    }

    // MARK: Planning

    /// Finds the places for the content of `segments`, which do not overlap.
    ///
    /// - Throws: ENOSPC; nothing has changed then.
    func plan(
        _ segments: [DataSegment], of location: FileLocation, _ inode: InodeItem, size: UInt64
    ) throws -> DataPlan {
        var plan = DataPlan(segments: segments, blocks: Self.inodeReserve + 8)
        if let first = segments.first, first.offset == 0, isInline(size: size, inode) {
            var whole = try content(of: location, at: 0, count: size)
            whole += [UInt8](repeating: 0, count: Int(size) - whole.count)
            let new = first.bytes.prefix(Int(size))
            whole.replaceSubrange(0..<new.count, with: new)
            plan.inline = whole
            return plan
        }
        do {
            for segment in segments {
                try place(segment, of: location, inode, &plan)
                try countExtents(in: segment.range, of: location, &plan)
            }
        } catch {
            giveBack(plan)
            throw error
        }
        let sectors = segments.reduce(0) { $0 + $1.bytes.count } / volume.sectorSize
        plan.blocks += 8 * plan.pieces.count + 2 * sectors * volume.checksumType.size / volume.nodeSize
        return plan
    }

    /// Adds to a plan what it takes to give up the extents in a range of the file, where they may be many.
    func countExtents(in range: Range<UInt64>, of location: FileLocation, _ plan: inout DataPlan) throws {
        guard (range.upperBound - range.lowerBound) / sectorSize > UInt64(Self.extentsInOneChange) else { return }
        var extents = try namespace(of: location.subvolume).extents(of: location.inode)
        try extents.skip(to: range.lowerBound)
        var count = 0
        while let element = try extents.next(), element.start < range.upperBound { count += 1 }
        plan.references += count
        plan.blocks += blockCount(ofItems: count)
    }

    /// How many tree blocks so many small items that lie one after the other are in at most.
    func blockCount(ofItems count: Int) -> Int { count * 256 / volume.nodeSize }

    /// The most bytes of content that fit into the tree.
    var inlineCapacity: Int {
        LeafView.maximumItemByteCount(nodeSize: volume.nodeSize) - FileExtent.inlineOffset
    }

    /// The corresponding kernel function is `can_cow_file_range_inline`.
    private func isInline(size: UInt64, _ inode: InodeItem) -> Bool {
        size > 0 && size <= UInt64(options.maximumInlineByteCount) && size < sectorSize
            && Int(size) <= inlineCapacity
            && inode.flags.isDisjoint(with: [.noDataCopyOnWrite, .preallocated])
    }

    private func place(
        _ segment: DataSegment, of location: FileLocation, _ inode: InodeItem, _ plan: inout DataPlan
    ) throws {
        var position = segment.range.lowerBound
        if !inode.flags.isDisjoint(with: [.noDataCopyOnWrite, .preallocated]) {
            for (range, extent, start) in try overwritable(segment.range, of: location, inode) {
                if range.lowerBound > position {
                    plan.pieces.append(try allocate(position..<range.lowerBound))
                }
                let address = extent.diskAddress.rawValue + extent.offset + (range.lowerBound - start)
                plan.pieces.append(
                    .inPlace(range: range, address: address, isPreallocated: extent.kind == .preallocated))
                position = range.upperBound
            }
        }
        if position < segment.range.upperBound {
            plan.pieces.append(try allocate(position..<segment.range.upperBound))
        }
    }

    func allocate(
        _ range: Range<UInt64>, largest: UInt64 = FileSystem.maximumExtentByteCount
    ) throws -> DataPlan.Piece {
        var places: [Range<UInt64>] = []
        var left = range.upperBound - range.lowerBound
        do {
            while left > 0 {
                let place = try transaction.allocateData(upTo: min(left, largest))
                places.append(place)
                left -= place.upperBound - place.lowerBound
            }
        } catch {
            for place in places { transaction.giveBackData(place) }
            throw error
        }
        return .new(range: range, places: places)
    }

    func giveBack(_ plan: DataPlan) {
        for case .new(_, let places) in plan.pieces {
            for place in places { transaction.giveBackData(place) }
        }
    }

    /// The parts of a range of a file that are overwritten in place: preallocated, or not copied on write, and of
    /// nobody else.
    ///
    /// The corresponding kernel function is `can_nocow_extent`.
    private func overwritable(
        _ range: Range<UInt64>, of location: FileLocation, _ inode: InodeItem
    ) throws -> [(Range<UInt64>, FileExtent, start: UInt64)] {
        let namespace = try self.namespace(of: location.subvolume)
        guard let extentTree = try transaction.tree(.extentTree) else { return [] }
        let sharing = ExtentSharing(of: namespace.tree, extentTree: extentTree)
        var result: [(Range<UInt64>, FileExtent, start: UInt64)] = []
        var extents = namespace.extents(of: location.inode)
        try extents.skip(to: range.lowerBound)
        while let element = try extents.next(), element.start < range.upperBound {
            let extent = element.extent
            let part = (element.start..<element.end).clamped(to: range)
            let isOwn = extent.kind == .preallocated || inode.flags.contains(.noDataCopyOnWrite)
            guard !part.isEmpty, !extent.isInline, !extent.isHole, extent.compression == .none, isOwn,
                extent.generation > namespace.tree.lastSnapshot, volume.isOverwritable(extent.diskAddress),
                !newlyShared.contains(extent.diskAddress),
                try !sharing.isShared(extent, at: element.key)
            else { continue }
            result.append((part, extent, element.start))
        }
        return result
    }

    // MARK: Writing

    /// Writes what was planned: data to the devices, extents and checksums to the trees.
    ///
    /// - Returns: how many bytes more the file has on disk now.
    func write(_ plan: DataPlan, to location: FileLocation, _ inode: InodeItem) throws -> Int64 {
        let namespace = try self.namespace(of: location.subvolume)
        let state = try inodeState(location)
        for segment in plan.segments { state.modifiedExtents.insert(segment.range) }
        if let whole = plan.inline {
            let dropped = try namespace.dropExtents(of: location.inode, from: 0, to: sectorSize)
            try namespace.insertInline(whole.rawSpan, of: location.inode)
            return Int64(whole.count) - Int64(dropped)
        }
        var delta: Int64 = 0
        for piece in plan.pieces {
            switch piece {
            case .new(let range, let places):
                var offset = range.lowerBound
                for place in places {
                    let count = place.upperBound - place.lowerBound
                    try writeData(plan, at: offset, count: count, to: place.lowerBound, inode)
                    offset += count
                }
                let dropped = try namespace.dropExtents(
                    of: location.inode, from: range.lowerBound, to: range.upperBound)
                try namespace.insertExtents(places, kind: .regular, of: location.inode, at: range.lowerBound)
                delta += Int64(range.upperBound - range.lowerBound) - Int64(dropped)
            case .inPlace(let range, let address, let isPreallocated):
                let count = range.upperBound - range.lowerBound
                try writeData(plan, at: range.lowerBound, count: count, to: address, inode)
                guard isPreallocated else { continue }
                var extents = namespace.extents(of: location.inode)
                try extents.skip(to: range.lowerBound)
                guard let element = try extents.next() else {
                    throw VolumeError.noSuchKey(
                        tree: location.subvolume, Key(location.inode, .extentData, range.lowerBound))
                }
                try namespace.markWritten(range, at: element.key)
            }
        }
        return delta
    }

    private func writeData(
        _ plan: DataPlan, at offset: UInt64, count: UInt64, to address: UInt64, _ inode: InodeItem
    ) throws {
        guard let segment = plan.segments.first(where: { $0.range.contains(offset) }) else { return }
        let start = Int(offset - segment.offset)
        let bytes = segment.bytes.rawSpan.extracting(start..<start + Int(count))
        try transaction.writeData(bytes, at: LogicalAddress(address))
        guard !inode.flags.contains(.noDataChecksum) else { return }
        let (type, sector) = (volume.checksumType, volume.sectorSize)
        let sums = [UInt8](byteCount: bytes.byteCount / sector * type.size) { (target: inout MutableRawSpan) in
            for index in 0..<bytes.byteCount / sector {
                type.compute(
                    bytes.extracting(index * sector..<(index + 1) * sector), into: &target, at: index * type.size)
            }
        }
        try transaction.insertChecksums(LogicalAddress(address), sums.rawSpan)
    }
}
