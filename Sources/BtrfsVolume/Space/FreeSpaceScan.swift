internal import BtrfsFormat

/// Reads what is free in one block group from the trees that tell it.
package enum FreeSpaceScan {
    /// What no item of the extent tree covers.
    package static func fromExtents(of range: Range<UInt64>, in tree: Tree) throws(VolumeError) -> RangeSet {
        var free = RangeSet()
        free.insert(range)
        let nodeSize = UInt64(tree.nodeSize)
        let cursor = tree.makeCursor()
        try cursor.seek(Key(ObjectID(range.lowerBound), KeyType(0), 0))
        while cursor.isValid, cursor.key.objectID.rawValue < range.upperBound {
            let key = cursor.key
            let start = key.objectID.rawValue
            switch key.type {
            case .extentItem:
                let (end, overflow) = start.addingReportingOverflow(key.offset)
                guard !overflow else {
                    throw .damaged("impossible length", block: cursor.block, slot: cursor.slot, key: key)
                }
                free.remove(start..<end)
            case .metadataItem: free.remove(start..<start + nodeSize)
            default: break
            }
            if try !cursor.next() { break }
        }
        return free
    }

    /// What the items of the free space tree name, in either form.
    package static func fromFreeSpaceTree(
        of range: Range<UInt64>, in tree: Tree, sectorSize: UInt64
    ) throws(VolumeError) -> RangeSet {
        var free = RangeSet()
        let cursor = tree.makeCursor()
        try cursor.seek(Key(ObjectID(range.lowerBound), KeyType(0), 0))
        while cursor.isValid, cursor.key.objectID.rawValue < range.upperBound {
            let key = cursor.key
            let start = key.objectID.rawValue
            let (end, overflow) = start.addingReportingOverflow(key.offset)
            guard !overflow, end <= range.upperBound || key.type == .freeSpaceInfo else {
                throw .damaged(
                    "free space beyond the block group", block: cursor.block, slot: cursor.slot, key: key)
            }
            if key.type == .freeSpaceExtent {
                free.insert(start..<end)
            } else if key.type == .freeSpaceBitmap {
                do {
                    try addBitmap(cursor.data, from: start, to: end, sectorSize: sectorSize, to: &free)
                } catch { throw .format(error.at(block: cursor.block, slot: cursor.slot, key: key)) }
            }
            if try !cursor.next() { break }
        }
        return free
    }

    private static func addBitmap(
        _ bits: RawSpan, from start: UInt64, to end: UInt64, sectorSize: UInt64, to free: inout RangeSet
    ) throws(FormatError) {
        var runStart: UInt64?
        var sector = start
        var index = 0
        while sector < end {
            let isFree = try bits.u8(at: index / 8) & (1 << UInt8(index % 8)) != 0
            if isFree {
                runStart = runStart ?? sector
            } else if let from = runStart {
                free.insert(from..<sector)
                runStart = nil
            }
            index += 1
            sector += sectorSize
        }
        if let from = runStart { free.insert(from..<end) }
    }
}

extension Transaction {
    /// What the committed trees call free in a chunk, less the superblock copies.
    ///
    /// Where the free space tree and the extent tree disagree only what both call free counts.
    func freeSpace(in chunk: MappedChunk) throws(VolumeError) -> RangeSet {
        let range = chunk.start.rawValue..<chunk.end
        var free = RangeSet()
        if newChunks.contains(where: { $0.start == chunk.start }) {
            free.insert(range)
        } else if let known = volume.committedFreeSpace[range] {
            free = known
        } else {
            free = try readFreeSpace(in: range)
        }
        for reserved in superblockRanges(in: chunk) { free.remove(reserved) }
        return free
    }

    private func readFreeSpace(in range: Range<UInt64>) throws(VolumeError) -> RangeSet {
        let known = try FreeSpaceScan.fromExtents(of: range, in: committedExtentTree())
        let recorded = try committedFreeSpaceTree().map { (tree: Tree) throws(VolumeError) in
            try FreeSpaceScan.fromFreeSpaceTree(of: range, in: tree, sectorSize: UInt64(volume.sectorSize))
        }
        guard let recorded, recorded != known else {
            volume.committedFreeSpace.note(known, of: range)
            return known
        }
        // Not remembered: each transaction has to tell of it.
        warn(
            "the free space tree and the extent tree disagree on block group \(range.lowerBound); only what "
                + "both call free was used. Run btrfs check")
        return known.intersection(recorded)
    }
}
