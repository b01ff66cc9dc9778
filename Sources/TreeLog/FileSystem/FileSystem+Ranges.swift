internal import BtrfsFormat
internal import BtrfsVolume

// Space without content: preallocation, holes, zeros.

extension FileSystem {
    /// The largest extent of preallocated space.
    private static let maximumPreallocatedByteCount: UInt64 = 256 << 20

    /// What an operation on a range does to a file, put together before anything changes.
    private struct RangeChange {
        var location: FileLocation
        var inode: InodeItem
        /// The size of the file afterwards.
        var size: UInt64
        /// Sectors that are written anew.
        var segments: [DataSegment] = []
        /// What is given up, in whole sectors.
        var dropped: Range<UInt64>?
        /// What becomes preallocated, in whole sectors.
        var preallocated: [Range<UInt64>] = []
    }

    // MARK: Preallocation

    /// Allocates space for a range of a file, so that writing there needs none. What has no space yet reads as zeros.
    ///
    /// - Parameter keepSize: whether the file stays as long as it is; the space behind its end is then for later.
    /// - Throws: EFBIG, EINVAL for no bytes, ENOSPC.
    public func allocate(
        _ path: some FilePath, at offset: UInt64, count: UInt64, keepSize: Bool = false
    ) throws(FileSystemError) {
        try changing("fallocate", path) { path in
            var change = try rangeChange(path, offset, count)
            let end = offset + count
            let (first, last) = (sectorStart(offset), sectorEnd(end))
            // The sector in which the file ends is written where the range goes on behind the end.
            let size = change.inode.size
            if end > size { change.segments = try lastSector(of: change.location, size: size) }
            var holes = RangeSet()
            for hole in try unallocated(first..<last, of: change.location) { holes.insert(hole) }
            for segment in change.segments { holes.remove(segment.range) }
            change.preallocated = Array(holes.ranges)
            if !keepSize { change.size = max(size, end) }
            try apply(change)
        }
    }

    /// The parts of a range in which a file has neither data nor preallocated space.
    private func unallocated(_ range: Range<UInt64>, of location: FileLocation) throws -> [Range<UInt64>] {
        var result: [Range<UInt64>] = []
        var position = range.lowerBound
        var extents = try namespace(of: location.subvolume).extents(of: location.inode)
        try extents.skip(to: position)
        while let element = try extents.next(), element.start < range.upperBound {
            guard !element.extent.isHole else { continue }
            let end = sectorEnd(element.end)
            guard end > position else { continue }
            if element.start > position { result.append(position..<element.start) }
            position = end
        }
        if position < range.upperBound { result.append(position..<range.upperBound) }
        return result
    }

    // MARK: Holes

    /// Gives up the space of a range of a file, which then reads as zeros. The size stays.
    public func punchHole(_ path: some FilePath, at offset: UInt64, count: UInt64) throws(FileSystemError) {
        try changing("punch hole", path) { path in
            var change = try rangeChange(path, offset, count)
            let end = offset + count
            let allocatedEnd = sectorEnd(change.inode.size)
            guard let start = try firstAllocated(offset..<end, of: change.location) else { return }
            if sectorStart(start) == sectorStart(end - 1), end - start < sectorSize {
                if start < allocatedEnd {
                    change.segments = [try sector(at: start, zeroing: start..<end, of: change.location)]
                }
                return try apply(change)
            }
            if start < allocatedEnd, start % sectorSize != 0 {
                let zeros = start..<sectorEnd(start)
                change.segments.append(try sector(at: start, zeroing: zeros, of: change.location))
            }
            let tail = sectorStart(end)..<end
            if !tail.isEmpty, end < allocatedEnd, try firstAllocated(tail, of: change.location) != nil {
                change.segments.append(try sector(at: tail.lowerBound, zeroing: tail, of: change.location))
            }
            if sectorEnd(start) < sectorStart(end) { change.dropped = sectorEnd(start)..<sectorStart(end) }
            try apply(change)
        }
    }

    /// The first offset of a range that does not lie in a hole; nil when all of it does.
    ///
    /// The corresponding kernel function is `find_first_non_hole`.
    private func firstAllocated(_ range: Range<UInt64>, of location: FileLocation) throws -> UInt64? {
        var extents = try namespace(of: location.subvolume).extents(of: location.inode)
        try extents.skip(to: range.lowerBound)
        while let element = try extents.next(), element.start < range.upperBound {
            guard !element.extent.isHole, sectorEnd(element.end) > range.lowerBound else { continue }
            return max(element.start, range.lowerBound)
        }
        return nil
    }

    // MARK: Zeros

    /// Makes a range of a file read as zeros, with space allocated for it.
    ///
    /// The corresponding kernel function is `btrfs_zero_range`.
    public func zeroRange(
        _ path: some FilePath, at offset: UInt64, count: UInt64, keepSize: Bool = false
    ) throws(FileSystemError) {
        try changing("zero range", path) { path in
            var change = try rangeChange(path, offset, count)
            let end = offset + count
            if !keepSize { change.size = max(change.size, end) }
            var (first, last) = (sectorEnd(offset), sectorStart(end))
            if sectorStart(offset) == sectorStart(end - 1), count < sectorSize {
                (first, last) = (sectorStart(offset), sectorStart(offset))
                let kind = try kind(at: offset, of: change, to: end)
                if kind == .hole { last = first + sectorSize }
                if kind == .written {
                    change.segments.append(try sector(at: offset, zeroing: offset..<end, of: change.location))
                }
            } else {
                if offset % sectorSize != 0 {
                    switch try kind(at: offset, of: change, to: end) {
                    case .hole: first = sectorStart(offset)
                    case .written:
                        let zeros = offset..<sectorEnd(offset)
                        change.segments.append(try sector(at: offset, zeroing: zeros, of: change.location))
                    case .preallocated: break
                    }
                }
                if end % sectorSize != 0 {
                    switch try kind(at: end, of: change, to: end) {
                    case .hole: last = sectorEnd(end)
                    case .written:
                        let zeros = sectorStart(end)..<end
                        change.segments.append(try sector(at: end, zeroing: zeros, of: change.location))
                    case .preallocated: break
                    }
                }
            }
            let isOfSegment = { (segment: DataSegment) in segment.offset == self.sectorStart(change.inode.size) }
            if change.inode.size < end, !change.segments.contains(where: isOfSegment) {
                let written = try lastSector(of: change.location, size: change.inode.size)
                change.segments = written.filter { $0.offset < first || $0.offset >= last } + change.segments
            }
            if first < last { change.preallocated = try rangesNotPreallocated(first..<last, of: change.location) }
            change.segments.sort { $0.offset < $1.offset }
            try apply(change)
        }
    }

    private enum SectorKind { case hole, preallocated, written }

    /// What a file has in the sector with `offset` when a change up to `end` begins: the sector in which the file ended
    /// is written before.
    private func kind(at offset: UInt64, of change: RangeChange, to end: UInt64) throws -> SectorKind {
        let (location, size) = (change.location, change.inode.size)
        if size < end, size % sectorSize != 0, sectorStart(size) == sectorStart(offset) { return .written }
        var extents = try namespace(of: location.subvolume).extents(of: location.inode)
        try extents.skip(to: offset)
        while let element = try extents.next(), element.start <= offset {
            guard sectorEnd(element.end) > offset, !element.extent.isHole else { continue }
            return element.extent.kind == .preallocated ? .preallocated : .written
        }
        return .hole
    }

    /// A range without the part at its start that is preallocated already.
    private func rangesNotPreallocated(
        _ range: Range<UInt64>, of location: FileLocation
    ) throws -> [Range<UInt64>] {
        var extents = try namespace(of: location.subvolume).extents(of: location.inode)
        try extents.skip(to: range.lowerBound)
        guard let element = try extents.next(), element.extent.kind == .preallocated,
            element.start <= range.lowerBound, element.end > range.lowerBound
        else { return [range] }
        return element.end >= range.upperBound ? [] : [element.end..<range.upperBound]
    }

    // MARK: Doing it

    private func rangeChange(_ path: [UInt8], _ offset: UInt64, _ count: UInt64) throws -> RangeChange {
        let location = try find(path)
        let inode = try item(location)
        if inode.fileType == .fifo { throw count > 0 ? Errno.illegalSeek : .invalid }
        try checkContentChange(location, inode)
        guard !inode.flags.contains(.appendOnly) else { throw Errno.notPermitted }
        guard count > 0 else { throw Errno.invalid }
        guard offset <= Self.maximumFileByteCount, count <= Self.maximumFileByteCount - offset else {
            throw Errno.fileTooLarge
        }
        return RangeChange(location: location, inode: inode, size: inode.size)
    }

    private func apply(_ change: RangeChange) throws {
        let (location, inode) = (change.location, change.inode)
        let namespace = try self.namespace(of: location.subvolume)
        var plan = try self.plan(change.segments, of: location, inode, size: change.size)
        var places: [(Range<UInt64>, [Range<UInt64>])] = []
        do {
            for range in change.preallocated where !range.isEmpty {
                let piece = try allocate(range, largest: Self.maximumPreallocatedByteCount)
                guard case .new(_, let found) = piece else { continue }
                places.append((range, found))
                plan.blocks += 8 * found.count
            }
        } catch {
            giveBack(plan)
            for place in places.flatMap(\.1) { transaction.giveBackData(place) }
            throw error
        }
        if let dropped = change.dropped { try countExtents(in: dropped, of: location, &plan) }
        try self.change(blocks: plan.blocks + 16, references: plan.references) {
            let now = self.now()
            try dropCapabilities(location)
            let state = try inodeState(location)
            var delta = try write(plan, to: location, inode)
            if let dropped = change.dropped {
                delta -= Int64(try namespace.dropExtents(
                    of: location.inode, from: dropped.lowerBound, to: dropped.upperBound))
                state.modifiedExtents.insert(dropped)
            }
            for (range, found) in places {
                delta -= Int64(try namespace.dropExtents(
                    of: location.inode, from: range.lowerBound, to: range.upperBound))
                try namespace.insertExtents(found, kind: .preallocated, of: location.inode, at: range.lowerBound)
                delta += Int64(range.upperBound - range.lowerBound)
                state.modifiedExtents.insert(range)
            }
            let allocatedEnd = sectorEnd(change.size)
            if hasExplicitHoles, plan.inline == nil, allocatedEnd > 0 {
                try namespace.fillHoles(of: location.inode, in: 0..<allocatedEnd)
            }
            try updateContent(
                of: location, size: change.size, addedBytes: delta, hasPreallocated: !places.isEmpty, now)
        }
    }
}
