public import BlockDevices
public import BtrfsFormat
public import BtrfsVolume

/// What a volume and its log use of the devices, found by a walk over all trees: the places that a replay must not
/// write to before its superblocks are durable.
public struct UsedSpace: Sendable {
    /// A block of a tree.
    public struct Block: Sendable {
        public var address: LogicalAddress
        public var level: Int
        /// The tree from which the walk came to it first.
        public var tree: ObjectID
        public var isLog: Bool
    }

    /// All blocks in the order of the walk.
    public private(set) var blocks: [Block] = []
    /// The extents of files, in the committed trees and in the log: address and size on disk.
    public private(set) var dataExtents: [Range<UInt64>] = []
    /// Subtrees and logs that could not be read.
    public private(set) var problems: [VolumeError] = []
    /// By device number: what must not be written.
    private var places: [UInt64: RangeSet] = [:]
    private var seen: Set<LogicalAddress> = []

    public init(of volume: Volume) throws(VolumeError) {
        try walk(volume.chunkTree(), isLog: false)
        let roots = try volume.rootTree()
        try walk(roots, isLog: false)
        var ids: [ObjectID] = []
        let cursor = roots.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            if cursor.key.type == .rootItem, ids.last != cursor.key.objectID { ids.append(cursor.key.objectID) }
            if try !cursor.next() { break }
        }
        for id in ids {
            do { try volume.tree(id).map { tree throws(VolumeError) in try walk(tree, isLog: false) } } catch {
                problems.append(error)
            }
        }
        do { if let logs = try volume.logRootTree() { try walkLogs(logs,
            of: volume) } } catch { problems.append(error) }
        for block in blocks { try note(block.address.rawValue, volume.nodeSize, volume) }
        // Of a hostile log's extents those that can be data.
        dataExtents = dataExtents.filter { extent in
            guard let chunk = volume.chunks.chunk(at: LogicalAddress(extent.lowerBound)) else { return false }
            return chunk.chunk.type.contains(.data) && extent.upperBound <= chunk.end
        }
        for extent in dataExtents { try note(extent.lowerBound, extent.count, volume) }
    }

    private mutating func walkLogs(_ logs: Tree, of volume: Volume) throws(VolumeError) {
        try walk(logs, isLog: true)
        let cursor = logs.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            let item: RootItem
            do { item = try RootItem(cursor.data) } catch { throw .format(error) }
            do { try walk(try volume.logTree(item, for: ObjectID(cursor.key.offset)), isLog: true) } catch {
                problems.append(error)
            }
            if try !cursor.next() { break }
        }
    }

    private mutating func walk(_ tree: Tree, isLog: Bool) throws(VolumeError) {
        var waiting = [tree.root]
        while let block = waiting.popLast() {
            guard seen.insert(block.address).inserted else { continue }
            blocks.append(Block(address: block.address, level: block.level, tree: tree.id, isLog: isLog))
            for slot in 0..<block.count {
                if block.level > 0 {
                    do { waiting.append(try tree.child(at: slot, of: block)) } catch { problems.append(error) }
                } else if block.key(at: slot).type == .extentData {
                    noteExtent(block.data(at: slot))
                }
            }
        }
    }

    private mutating func noteExtent(_ item: RawSpan) {
        guard let extent = try? FileExtent(item), !extent.isInline, !extent.isHole else { return }
        let (end, overflow) = extent.diskAddress.rawValue.addingReportingOverflow(extent.diskByteCount)
        if !overflow { dataExtents.append(extent.diskAddress.rawValue..<end) }
    }

    private mutating func note(_ address: UInt64, _ count: Int, _ volume: Volume) throws(VolumeError) {
        for copy in 0..<volume.mirrorCount(at: LogicalAddress(address)) {
            for range in try volume.chunks.physicalRanges(of: LogicalAddress(address), count: count, copy: copy) {
                places[range.deviceID, default: RangeSet()]
                    .insert(range.offset..<range.offset + UInt64(range.count))
            }
        }
    }

    // MARK: Judging writes

    /// Why a write would do harm; nil when it does not.
    ///
    /// - Parameter device: the number of the device, from 0; images are in the order of the device numbers.
    public func harm(of write: Range<UInt64>, device: Int) -> String? {
        for offset in Superblock.offsets where write.overlaps(offset..<offset + 65536) {
            if write == offset..<offset + UInt64(Superblock.byteCount) { return nil }
            return "device \(device): the write \(write) lies where a superblock is kept"
        }
        if write.lowerBound < 1 << 20 { return "device \(device): the write \(write) lies in the first mebibyte" }
        guard let used = places[UInt64(device) + 1]?.firstOverlap(write) else { return nil }
        return "device \(device): the write \(write) lies over what is in use, \(used)"
    }

    /// Whether both volumes have the same bytes in all that is in use.
    public func isIntact(
        on devices: [any BlockDevice], comparedWith before: [any BlockDevice]
    ) throws(DeviceError) -> Bool {
        for (id, ranges) in places {
            for range in ranges.ranges {
                let index = Int(id) - 1
                let now = try devices[index].bytes(at: range.lowerBound, count: range.count)
                guard try before[index].bytes(at: range.lowerBound, count: range.count) == now else { return false }
            }
        }
        return true
    }
}
