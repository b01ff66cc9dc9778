internal import BtrfsFormat

/// Compares the free space tree with what is not in use.
struct FreeSpaceCheck {
    private struct Group {
        var info: FreeSpaceInfo
        var length: UInt64
        var place: CheckPlace
        /// As they are listed; runs of bitmaps that touch are one.
        var runs: [Range<UInt64>] = []
    }

    private var groups: [UInt64: Group] = [:]
    private var current: UInt64?

    /// Reads the next leaf.
    mutating func read(_ leaf: CheckedBlock, _ run: CheckRun) {
        for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
            let key = leaf.block.key(at: slot)
            let place = leaf.place(slot, .freeSpaceTree)
            do throws(FormatError) {
                try read(key, leaf.block.data(at: slot), place, run)
            } catch { run.sink.error(.item, place, "\(FormatError(error.reason))") }
        }
    }

    private mutating func read(
        _ key: Key, _ data: RawSpan, _ place: CheckPlace, _ run: CheckRun
    ) throws(FormatError) {
        let start = key.objectID.rawValue
        if key.type == .freeSpaceInfo {
            if let current, let before = groups[current], start < current &+ before.length {
                run.sink.error(.freeSpace, place, "the block group overlaps the one before it, at \(current)")
            }
            groups[start] = Group(info: try FreeSpaceInfo(data), length: key.offset, place: place)
            current = start
            return
        }
        let (end, overflow) = start.addingReportingOverflow(key.offset)
        guard !overflow, let current, let group = groups[current], end <= current &+ group.length else {
            return run.sink.error(.freeSpace, place, "the range does not lie in the block group before it")
        }
        let isBitmap = key.type == .freeSpaceBitmap
        if isBitmap != group.info.usesBitmaps {
            run.sink.error(.freeSpace, place, "the block group keeps its free space in the other form")
        }
        if isBitmap {
            try readBitmap(data, start, UInt64(run.volume.sectorSize), current)
        } else if key.type == .freeSpaceExtent {
            groups[current]?.runs.append(start..<end)
        }
    }

    private mutating func readBitmap(
        _ data: RawSpan, _ start: UInt64, _ sectorSize: UInt64, _ group: UInt64
    ) throws(FormatError) {
        // Taken out, so that it is not copied.
        var runs: [Range<UInt64>] = []
        if let known = groups[group]?.runs {
            groups[group]?.runs = []
            runs = known
        }
        defer { groups[group]?.runs = runs }
        for index in 0..<data.byteCount {
            let byte = try data.u8(at: index)
            if byte == 0 { continue }
            for bit in 0..<8 where byte & 1 << bit != 0 {
                let from = start &+ UInt64(index * 8 + bit) &* sectorSize
                let to = from &+ sectorSize
                if let last = runs.last, last.upperBound == from {
                    runs[runs.count - 1] = last.lowerBound..<to
                } else {
                    runs.append(from..<to)
                }
            }
        }
    }

    /// Compares what was read with the extents.
    func compare(_ run: CheckRun) {
        guard run.volume.superblock.compatRO.contains(.freeSpaceTreeValid) else {
            return run.sink.note(.freeSpace, .volume, "the free space tree is marked as not valid, and not compared")
        }
        if run.incomplete.contains(.extentTree) || run.incomplete.contains(.freeSpaceTree) { return }
        var unmatched = groups
        for mapped in run.volume.chunks.chunks {
            guard let group = unmatched.removeValue(forKey: mapped.start.rawValue),
                group.length == mapped.chunk.length
            else {
                run.sink.error(
                    .freeSpace, CheckPlace(tree: .freeSpaceTree), "no entry for the block group at \(mapped.start)")
                continue
            }
            compare(group, mapped, run)
        }
        // mkfs.btrfs leaves the entries of its first block groups behind.
        for (start, group) in unmatched.sorted(by: { $0.key < $1.key }) {
            run.sink.note(.freeSpace, group.place, "there is no block group at \(start) any more")
        }
    }

    private func compare(_ group: Group, _ mapped: MappedChunk, _ run: CheckRun) {
        if UInt64(group.info.extentCount) != UInt64(group.runs.count) {
            run.sink.error(
                .freeSpace, group.place,
                "extent_count is \(group.info.extentCount), \(group.runs.count) runs are listed")
        }
        var free: [Range<UInt64>] = []
        var position = mapped.start.rawValue
        for extent in run.used.overlaps(position..<mapped.end) {
            if extent.lowerBound > position { free.append(position..<extent.lowerBound) }
            position = extent.upperBound
        }
        if position < mapped.end { free.append(position..<mapped.end) }
        if free == group.runs { return }
        tell(Set(group.runs).subtracting(free), "is listed as free, but", group, run, isListed: true)
        tell(Set(free).subtracting(group.runs), "is free, but", group, run, isListed: false)
    }

    private func tell(
        _ ranges: Set<Range<UInt64>>, _ text: String, _ group: Group, _ run: CheckRun, isListed: Bool
    ) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            let what = isListed ? "the run of free space is another one" : "is not listed so"
            run.sink.error(
                .freeSpace, group.place, "\(range.lowerBound) to \(range.upperBound) \(text) \(what)")
        }
    }
}
