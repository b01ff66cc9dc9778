internal import BtrfsFormat

/// Keeps the free space tree exact: in each block group it lists what is free, as extents or as bitmaps.
///
/// The form in which a block group is kept stays as it is: converting is a matter of size, never of correctness.
package struct FreeSpaceTree {
    package let tree: Tree
    package let sectorSize: UInt64

    package init(tree: Tree, sectorSize: UInt64) {
        self.tree = tree
        self.sectorSize = sectorSize
    }

    /// Takes `range`, which lies in the block group `group`, out of the free space.
    ///
    /// - Throws: `VolumeError.damaged` when not all of it is free.
    package func remove(_ range: Range<UInt64>, from group: Range<UInt64>) throws(VolumeError) {
        let info = try self.info(of: group)
        let delta =
            info.usesBitmaps
            ? try flip(range, of: group, toFree: false) : try removeExtent(range, from: group)
        try store(info, count: Int64(info.extentCount) + delta, of: group)
    }

    /// Adds `range`, which lies in the block group `group`, to the free space.
    ///
    /// - Throws: `VolumeError.damaged` when some of it is free already.
    package func add(_ range: Range<UInt64>, to group: Range<UInt64>) throws(VolumeError) {
        let info = try self.info(of: group)
        let delta =
            info.usesBitmaps ? try flip(range, of: group, toFree: true) : try addExtent(range, to: group)
        try store(info, count: Int64(info.extentCount) + delta, of: group)
    }

    // MARK: The count

    private func infoKey(_ group: Range<UInt64>) -> Key {
        Key(ObjectID(group.lowerBound), .freeSpaceInfo, group.upperBound - group.lowerBound)
    }

    private func info(of group: Range<UInt64>) throws(VolumeError) -> FreeSpaceInfo {
        let key = infoKey(group)
        guard let data = try tree.find(key) else {
            throw .damaged("the free space tree has no entry for this block group; run btrfs check", key: key)
        }
        do { return try FreeSpaceInfo(data) } catch { throw .format(error.at(key: key)) }
    }

    private func store(_ info: FreeSpaceInfo, count: Int64, of group: Range<UInt64>) throws(VolumeError) {
        guard let count = UInt32(exactly: count) else {
            throw .damaged("the free space tree counts \(count) free extents", key: infoKey(group))
        }
        if count == info.extentCount { return }
        let bytes = [UInt8](byteCount: 4) { (span: inout MutableRawSpan) in span.store(count, at: 0) }
        try tree.patch(infoKey(group), at: 0, bytes.rawSpan)
    }

    private func disagreement(_ range: Range<UInt64>, _ what: String) -> VolumeError {
        .damaged(
            "the free space tree says \(range.lowerBound) to \(range.upperBound) \(what); run btrfs check, "
                + "or btrfs check --clear-space-cache v2 on a copy")
    }

    // MARK: Extents

    private func key(_ range: Range<UInt64>) -> Key {
        Key(ObjectID(range.lowerBound), .freeSpaceExtent, range.upperBound - range.lowerBound)
    }

    private func insert(_ range: Range<UInt64>) throws(VolumeError) {
        let nothing: [UInt8] = []
        try tree.insert(key(range), nothing.rawSpan)
    }

    /// The free extent of the block group that starts last at or before `address`.
    private func extent(
        atOrBefore address: UInt64, in group: Range<UInt64>
    ) throws(VolumeError) -> Range<UInt64>? {
        let cursor = tree.makeCursor()
        guard try cursor.seekLast(through: Key(ObjectID(address), .freeSpaceExtent, .max)) else { return nil }
        let key = cursor.key
        guard key.type == .freeSpaceExtent, group.contains(key.objectID.rawValue) else { return nil }
        let (end, overflow) = key.objectID.rawValue.addingReportingOverflow(key.offset)
        guard !overflow, end <= group.upperBound else {
            throw .damaged("free space beyond the block group", block: cursor.block, slot: cursor.slot, key: key)
        }
        return key.objectID.rawValue..<end
    }

    private func removeExtent(
        _ range: Range<UInt64>, from group: Range<UInt64>
    ) throws(VolumeError) -> Int64 {
        guard let old = try extent(atOrBefore: range.lowerBound, in: group),
            old.upperBound >= range.upperBound
        else { throw disagreement(range, "is not free, although no extent is there") }
        try tree.remove(key(old))
        var delta: Int64 = -1
        if old.lowerBound < range.lowerBound {
            try insert(old.lowerBound..<range.lowerBound)
            delta += 1
        }
        if range.upperBound < old.upperBound {
            try insert(range.upperBound..<old.upperBound)
            delta += 1
        }
        return delta
    }

    private func addExtent(_ range: Range<UInt64>, to group: Range<UInt64>) throws(VolumeError) -> Int64 {
        var merged = range
        var delta: Int64 = 1
        if let behind = try extent(atOrBefore: range.upperBound, in: group),
            behind.lowerBound == range.upperBound
        {
            try tree.remove(key(behind))
            merged = merged.lowerBound..<behind.upperBound
            delta -= 1
        }
        if let before = try extent(atOrBefore: range.upperBound - 1, in: group) {
            guard before.upperBound <= range.lowerBound else {
                throw disagreement(range, "is free already, although an extent was there")
            }
            if before.upperBound == range.lowerBound {
                try tree.remove(key(before))
                merged = before.lowerBound..<merged.upperBound
                delta -= 1
            }
        }
        try insert(merged)
        return delta
    }

    // MARK: Bitmaps

    /// The bitmap that tells of `address`.
    private func bitmap(at address: UInt64, in group: Range<UInt64>) throws(VolumeError) -> Key {
        let cursor = tree.makeCursor()
        guard try cursor.seekLast(through: Key(ObjectID(address), .freeSpaceBitmap, .max)),
            cursor.key.type == .freeSpaceBitmap, group.contains(cursor.key.objectID.rawValue)
        else { throw disagreement(address..<address + sectorSize, "has no bitmap") }
        let key = cursor.key
        let (end, overflow) = key.objectID.rawValue.addingReportingOverflow(key.offset)
        guard !overflow, address < end, end <= group.upperBound,
            UInt64(cursor.data.byteCount) * 8 * sectorSize >= key.offset
        else {
            throw .damaged("the bitmap has a wrong size", block: cursor.block, slot: cursor.slot, key: key)
        }
        return key
    }

    private func isFree(_ address: UInt64, in group: Range<UInt64>) throws(VolumeError) -> Bool {
        guard group.contains(address) else { return false }
        let key = try bitmap(at: address, in: group)
        let bit = (address - key.objectID.rawValue) / sectorSize
        guard let data = try tree.find(key) else { return false }
        do { return try data.u8(at: Int(bit / 8)) & (1 << UInt8(bit % 8)) != 0 } catch {
            throw .format(error.at(key: key))
        }
    }

    /// Sets or clears the bits of `range`, all of which must change.
    ///
    /// - Returns: what that adds to the number of runs of free sectors.
    private func flip(
        _ range: Range<UInt64>, of group: Range<UInt64>, toFree: Bool
    ) throws(VolumeError) -> Int64 {
        let before = range.lowerBound > group.lowerBound ? try isFree(range.lowerBound - sectorSize, in: group) : false
        let after = try isFree(range.upperBound, in: group)
        var address = range.lowerBound
        while address < range.upperBound {
            let key = try bitmap(at: address, in: group)
            let end = min(range.upperBound, key.objectID.rawValue + key.offset)
            let bits = (address - key.objectID.rawValue) / sectorSize..<(end - key.objectID.rawValue) / sectorSize
            var isRight = true
            try tree.update(key) { (data: inout MutableRawSpan) throws(VolumeError) in
                isRight = Self.flip(bits, in: &data, toFree: toFree)
            }
            guard isRight else {
                throw disagreement(range, toFree ? "is free already" : "is not free, although no extent is there")
            }
            address = end
        }
        let neighbours: Int64 = (before ? 1 : 0) + (after ? 1 : 0)
        return toFree ? 1 - neighbours : neighbours - 1
    }

    private static func flip(_ bits: Range<UInt64>, in data: inout MutableRawSpan, toFree: Bool) -> Bool {
        for bit in bits {
            let index = Int(bit / 8)
            let mask = UInt8(1) << UInt8(bit % 8)
            guard index < data.byteCount, let byte = try? data.bytes.u8(at: index) else { return false }
            guard (byte & mask != 0) != toFree else { return false }
            data.store(toFree ? byte | mask : byte & ~mask, at: index)
        }
        return true
    }
}
