internal import BtrfsFormat

/// The checksums of file data: one per sector, in items that cover a run of sectors each.
///
/// Items never overlap. The corresponding kernel functions are `btrfs_del_csums` and `btrfs_csum_file_blocks`.
package struct ChecksumTree {
    private let tree: Tree
    private let sectorSize: UInt64
    /// The size of one checksum in bytes.
    private let size: Int
    private let cursor: TreeCursor

    package init(tree: Tree, sectorSize: UInt64, size: Int) {
        self.tree = tree
        self.sectorSize = sectorSize
        self.size = size
        cursor = tree.makeCursor()
    }

    /// How many bytes an item may have: what fits a leaf beside one more item header.
    private var itemLimit: Int {
        let perItem = (tree.nodeSize - BlockHeader.byteCount - 2 * LeafView.itemHeaderByteCount) / size - 1
        return min(perItem, 4096) * size
    }

    private func key(_ address: UInt64) -> Key { Key(.extentChecksum, .extentChecksum, address) }

    /// The address range that an item covers.
    private func range(_ key: Key, _ byteCount: Int) throws(VolumeError) -> Range<UInt64> {
        let length = UInt64(byteCount / size) * sectorSize
        let (end, overflow) = key.offset.addingReportingOverflow(length)
        guard !overflow else { throw .damaged("impossible address", key: key) }
        return key.offset..<end
    }

    /// Removes the checksums of a range of addresses.
    package func delete(_ target: Range<UInt64>) throws(VolumeError) {
        guard !target.isEmpty else { return }
        while try cursor.seekLast(through: key(target.upperBound - 1)) {
            let found = cursor.key
            guard found.type == .extentChecksum, found.objectID == .extentChecksum else { return }
            let item = try range(found, cursor.data.byteCount)
            guard item.upperBound > target.lowerBound else { return }
            try cut(target, from: item, sums: cursor.data)
        }
    }

    private func cut(_ target: Range<UInt64>, from item: Range<UInt64>, sums: RawSpan) throws(VolumeError) {
        let key = key(item.lowerBound)
        var tail: [UInt8] = []
        if item.upperBound > target.upperBound {
            let offset = Int((target.upperBound - item.lowerBound) / sectorSize) * size
            tail = sums.extracting(offset..<sums.byteCount).copied
        }
        if item.lowerBound < target.lowerBound {
            try tree.truncate(key, to: Int((target.lowerBound - item.lowerBound) / sectorSize) * size)
        } else {
            try tree.remove(key)
        }
        if !tail.isEmpty { try tree.insert(self.key(target.upperBound), tail.rawSpan) }
    }

    /// Stores the checksums of the sectors from `address` on, in place of any that are there.
    package func insert(_ address: UInt64, _ sums: RawSpan) throws(VolumeError) {
        let count = sums.byteCount / size
        guard count > 0, sums.byteCount % size == 0, address % sectorSize == 0 else {
            throw .refused("\(sums.byteCount) bytes of checksums at \(address) are not whole sectors")
        }
        let (end, overflow) = address.addingReportingOverflow(UInt64(count) * sectorSize)
        guard !overflow else { throw .refused("checksums beyond the address space at \(address)") }
        var done = 0
        if let before = try itemBefore(end), before.range.upperBound <= address {
            // The usual case: nothing is in the way, and often the new ones continue an item.
            let room = itemLimit - before.byteCount
            let piece = min(sums.byteCount, room / size * size)
            if before.range.upperBound == address, piece > 0,
                try tree.append(key(before.range.lowerBound), sums.extracting(0..<piece))
            {
                done = piece
            }
        } else {
            try delete(address..<end)
        }
        while done < sums.byteCount {
            let piece = min(sums.byteCount - done, itemLimit)
            let start = address + UInt64(done / size) * sectorSize
            try tree.insert(key(start), sums.extracting(done..<done + piece))
            done += piece
        }
    }

    /// The last item that starts before `end`.
    private func itemBefore(_ end: UInt64) throws(VolumeError) -> (range: Range<UInt64>, byteCount: Int)? {
        guard try cursor.seekLast(through: key(end - 1)), cursor.key.type == .extentChecksum,
            cursor.key.objectID == .extentChecksum
        else { return nil }
        let byteCount = cursor.data.byteCount
        return (try range(cursor.key, byteCount), byteCount)
    }
}
