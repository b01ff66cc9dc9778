internal import BtrfsFormat

/// Used bytes, places that must stay empty, checksums of nothing, and the log.
extension CheckRun {
    func checkSpace() {
        checkUsedBytes()
        checkSuperblockPlaces()
        checkNeedlessChecksums()
    }

    private func checkUsedBytes() {
        if incomplete.contains(.extentTree) { return }
        for (index, mapped) in volume.chunks.chunks.enumerated() {
            guard let group = groups[mapped.start.rawValue], index < groupUsed.count else { continue }
            if group.item.used != groupUsed[index] {
                sink.error(
                    .usedSpace, group.place, "used is \(group.item.used), the extents have \(groupUsed[index]) bytes")
            }
        }
        let total = groupUsed.reduce(0, &+)
        if volume.superblock.bytesUsed != total {
            sink.error(
                .usedSpace, .volume,
                "bytes_used of the superblock is \(volume.superblock.bytesUsed), the extents have \(total) bytes")
        }
    }

    /// Where the copies of the superblock are no extent may be.
    private func checkSuperblockPlaces() {
        for (id, _) in volume.devices.sorted {
            for offset in Superblock.offsets {
                let count = UInt64(Superblock.byteCount)
                for range in volume.chunks.logicalRanges(ofDevice: id, offset: offset, count: count) {
                    guard let extent = used.firstOverlap(range), isExact(range, offset, id) else { continue }
                    sink.error(
                        .extent, .volume,
                        "space in use, \(extent.lowerBound) to \(extent.upperBound), lies over the superblock at "
                            + "\(offset) of device \(id)")
                }
            }
        }
    }

    /// Of striped chunks whole stripes are named; only where the bytes themselves lie counts.
    private func isExact(_ range: Range<UInt64>, _ offset: UInt64, _ device: UInt64) -> Bool {
        guard let chunk = volume.chunks.chunk(at: LogicalAddress(range.lowerBound)) else { return false }
        return chunk.profile.intersection([.raid0, .raid10, .raid5, .raid6]).isEmpty
    }

    private func checkNeedlessChecksums() {
        if incomplete.contains(.extentTree) || incomplete.contains(.checksumTree) { return }
        for range in checksums.ranges where !dataExtents.contains(range) {
            var rest = RangeSet()
            rest.insert(range)
            for extent in dataExtents.overlaps(range) { rest.remove(extent) }
            guard let first = rest.ranges.first else { continue }
            sink.error(
                .checksum, CheckPlace(tree: .checksumTree),
                "there are checksums of \(first.lowerBound) to \(first.upperBound), where no data is")
        }
    }

    // MARK: The log

    /// A log that waits for its replay is read; its blocks must lie where nothing else is.
    func checkLog() {
        let superblock = volume.superblock
        guard superblock.logRoot.rawValue != 0 else { return }
        let logs = CheckedTree(
            .treeLog,
            root: BlockExpectation(
                address: superblock.logRoot, level: Int(superblock.logRootLevel),
                generation: superblock.generation &+ 1, firstKey: nil, owners: .any, tree: .treeLog))
        for leaf in readLog(logs, keepsLeaves: true) {
            for slot in 0..<leaf.count where !leaf.isDamaged(slot) {
                guard leaf.block.key(at: slot).type == .rootItem else { continue }
                do throws(FormatError) {
                    let log = CheckedTree(.treeLog, try RootItem(leaf.block.data(at: slot)))
                    _ = readLog(log, keepsLeaves: false)
                } catch { sink.error(.log, leaf.place(slot, .treeLog), "\(FormatError(error.reason))") }
            }
        }
    }

    private func readLog(_ log: CheckedTree, keepsLeaves: Bool) -> [CheckedBlock] {
        var leaves: [CheckedBlock] = []
        walk(log) { block in
            let address = block.address.rawValue
            let range = address..<address + UInt64(volume.nodeSize)
            let place = CheckPlace(tree: .treeLog, block: block.address)
            report.logBlockCount += 1
            if logSpace.firstOverlap(range) != nil {
                sink.error(.log, place, "the log uses this block twice")
                return false
            }
            if !incomplete.contains(.extentTree), used.firstOverlap(range) != nil {
                sink.error(.log, place, "the block lies where an extent is")
            }
            logSpace.insert(range)
            if keepsLeaves, block.level == 0 { leaves.append(block) }
            return true
        }
        return leaves
    }
}

extension RangeSet {
    /// The ranges that have an address in common with `range`.
    func overlaps(_ range: Range<UInt64>) -> [Range<UInt64>] {
        var result: [Range<UInt64>] = []
        var rest = range
        while let next = firstOverlap(rest) {
            result.append(next)
            if next.upperBound >= range.upperBound { break }
            rest = next.upperBound..<range.upperBound
        }
        return result
    }
}
