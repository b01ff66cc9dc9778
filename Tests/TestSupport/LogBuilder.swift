public import BlockDevices
public import BtrfsFormat
internal import BtrfsVolume

/// Gives a volume in memory a log of any content, right or wrong, in place of the one it has.
///
/// Blocks go to free space of the metadata block groups, with header and checksum, as log trees of any size under a
/// tree of log trees; the superblock then points there.
public struct LogBuilder {
    public struct Item {
        public var key: Key
        public var data: [UInt8]

        public init(_ key: Key, _ data: [UInt8]) {
            self.key = key
            self.data = data
        }
    }

    /// What the new log starts with.
    public enum Start: Sendable { case nothing, presentLog }

    private let devices: [MemoryDevice]
    private let volume: Volume
    private var freeBlocks: [LogicalAddress]
    /// The items of each log, by subvolume.
    public var items: [ObjectID: [Item]] = [:]
    /// Root items that are put into the tree of log trees as they are.
    public var extraRootItems: [Item] = []
    /// The owner that the roots of the trees carry.
    public var owner = ObjectID.treeLog
    /// Changes a leaf of a log before its checksum is made.
    public var changeLeaf: ((inout [UInt8]) -> Void)?
    /// Blocks that were written, in order: leaves, nodes, roots.
    public private(set) var blocks: [LogicalAddress] = []

    /// - Parameter devices: the devices of one volume, by number.
    public init(_ devices: [MemoryDevice], startingWith start: Start = .nothing) throws {
        self.devices = devices
        volume = try Volume(opening: devices)
        freeBlocks = try Self.freeBlocks(of: volume)
        if start == .presentLog { try loadPresentLog() }
    }

    /// The transaction that logs belong to.
    public var generation: Generation { volume.superblock.generation + 1 }
    public var nodeSize: Int { volume.nodeSize }

    public mutating func add(_ key: Key, _ data: [UInt8], to subvolume: ObjectID = .fileTree) {
        items[subvolume, default: []].append(Item(key, data))
    }

    /// Changes the data of an item that is in the log.
    public mutating func change(_ key: Key, of subvolume: ObjectID = .fileTree, _ change: (inout [UInt8]) -> Void) {
        guard let index = items[subvolume]?.firstIndex(where: { $0.key == key }), var item = items[subvolume]?[index]
        else { return }
        change(&item.data)
        items[subvolume]?[index] = item
    }

    private mutating func loadPresentLog() throws {
        guard let roots = try volume.logRootTree() else { return }
        let cursor = roots.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            let subvolume = ObjectID(cursor.key.offset)
            let log = try volume.logTree(try RootItem(cursor.data), for: subvolume).makeCursor()
            try log.seek(.minimum)
            while log.isValid {
                add(log.key, log.data.copied, to: subvolume)
                if try !log.next() { break }
            }
            if try !cursor.next() { break }
        }
    }

    // MARK: Writing

    /// Writes the logs, and the superblock that names them.
    public mutating func write() throws {
        var roots = extraRootItems
        for (subvolume, items) in items.sorted(by: { $0.key < $1.key }) {
            let (address, level) = try writeTree(items.sorted { $0.key < $1.key }, change: changeLeaf)
            roots.append(
                Item(
                    Key(.treeLog, .rootItem, subvolume.rawValue),
                    RootItem(address: address, level: level, generation: generation).encoded))
        }
        let (address, level) = try writeTree(roots.sorted { $0.key < $1.key }, change: nil)
        try pointSuperblock(to: address, level: level)
    }

    /// Makes `log_root` of the first superblock copy of each device name a block.
    public func pointSuperblock(to address: LogicalAddress, level: UInt8) throws {
        for device in devices {
            let bytes = try device.bytes(at: Superblock.offsets[0], count: Superblock.byteCount)
            var superblock = try Superblock(bytes.rawSpan)
            superblock.logRoot = address
            superblock.logRootLevel = level
            try device.write(superblock.sealed(), at: Superblock.offsets[0])
        }
    }

    /// Writes a search tree of `items`, which must be in order.
    private mutating func writeTree(
        _ items: [Item], change: ((inout [UInt8]) -> Void)?
    ) throws -> (address: LogicalAddress, level: UInt8) {
        var level: UInt8 = 0
        var row: [(key: Key, address: LogicalAddress)] = []
        for part in split(items) {
            var block = leaf(part)
            change?(&block)
            row.append((part.first?.key ?? .minimum, try write(block, level: 0)))
        }
        while row.count > 1 {
            level += 1
            let capacity = NodeView.capacity(nodeSize: nodeSize)
            var above: [(key: Key, address: LogicalAddress)] = []
            for start in stride(from: 0, to: row.count, by: capacity) {
                let part = row[start..<min(start + capacity, row.count)]
                above.append((part[start].key, try write(node(Array(part)), level: level)))
            }
            row = above
        }
        return (row[0].address, level)
    }

    private func split(_ items: [Item]) -> [[Item]] {
        var parts: [[Item]] = [[]]
        var free = nodeSize - BlockHeader.byteCount
        for item in items {
            let size = item.data.count + LeafView.itemHeaderByteCount
            if size > free, parts.last?.isEmpty == false {
                parts.append([])
                free = nodeSize - BlockHeader.byteCount
            }
            parts[parts.count - 1].append(item)
            free -= size
        }
        return parts
    }

    private func leaf(_ items: [Item]) -> [UInt8] {
        [UInt8](byteCount: nodeSize) { (block: inout MutableRawSpan) in
            var end = nodeSize
            for (slot, item) in items.enumerated() {
                end -= item.data.count
                let header = LeafView.headerOffset(slot)
                item.key.store(in: &block, at: header)
                block.store(UInt32(end - BlockHeader.byteCount), at: header + LeafView.dataOffsetOffset)
                block.store(UInt32(item.data.count), at: header + LeafView.dataSizeOffset)
                block.store(item.data.rawSpan, at: end)
            }
            block.store(UInt32(items.count), at: BlockHeader.itemCountOffset)
        }
    }

    private func node(_ children: [(key: Key, address: LogicalAddress)]) -> [UInt8] {
        [UInt8](byteCount: nodeSize) { (block: inout MutableRawSpan) in
            for (slot, child) in children.enumerated() {
                let at = NodeView.pointerOffset(slot)
                child.key.store(in: &block, at: at)
                block.store(child.address.rawValue, at: at + NodeView.addressOffset)
                block.store(generation, at: at + NodeView.generationOffset)
            }
            block.store(UInt32(children.count), at: BlockHeader.itemCountOffset)
        }
    }

    /// Completes the header and writes all copies.
    private mutating func write(_ content: [UInt8], level: UInt8) throws -> LogicalAddress {
        guard let address = freeBlocks.popLast() else {
            throw FixtureError(description: "no free metadata space for a log")
        }
        try overwrite(address, content, level: level)
        blocks.append(address)
        return address
    }

    /// Writes `content` as the block at `address`: its header is completed, except for the number of items.
    public func overwrite(_ address: LogicalAddress, _ content: [UInt8], level: UInt8) throws {
        let superblock = volume.superblock
        let count = Int(try content.rawSpan.u32(at: BlockHeader.itemCountOffset))
        let header = BlockHeader(
            fsid: superblock.metadataUUID, address: address, chunkTreeUUID: UUID(low: 0, high: 0),
            generation: generation, owner: owner, itemCount: count, level: level)
        var block = content
        var span = block.mutableSpan
        var raw = MutableRawSpan(_elements: &span)
        header.store(in: &raw)
        let start = BlockHeader.checksumByteCount
        let sum = superblock.checksumType.compute(
            tail(of: raw, from: start).rawSpan)
        raw.store(sum.rawSpan, at: 0)
        try writeData(tail(of: raw, from: 0), at: address)
    }

    /// Writes bytes to an address, all copies.
    public func writeData(_ bytes: [UInt8], at address: LogicalAddress) throws {
        for copy in 0..<volume.mirrorCount(at: address) {
            var done = 0
            for range in try volume.chunks.physicalRanges(of: address, count: bytes.count, copy: copy) {
                try devices[Int(range.deviceID) - 1].write(
                    Array(bytes[done..<done + range.count]), at: range.offset)
                done += range.count
            }
        }
    }

    /// An address in the last megabyte of a data block group, which nothing uses on a small volume.
    public var freeDataAddress: UInt64 {
        let chunk = volume.chunks.chunks.first { $0.chunk.type.contains(.data) }
        return (chunk?.end ?? 1 << 20) - (1 << 20)
    }

    /// The checksums of data, for a log's EXTENT_CSUM item.
    public func checksums(of data: [UInt8]) -> [UInt8] {
        stride(from: 0, to: data.count, by: volume.sectorSize).flatMap {
            volume.superblock.checksumType.compute(data.rawSpan.extracting($0..<$0 + volume.sectorSize))
        }
    }

    private func tail(of raw: borrowing MutableRawSpan, from start: Int) -> [UInt8] {
        raw.bytes.extracting(start..<raw.byteCount).copied
    }

    // MARK: Free space

    /// Blocks of the metadata block groups that no extent item covers, and away from superblocks.
    private static func freeBlocks(of volume: Volume) throws -> [LogicalAddress] {
        let size = UInt64(volume.nodeSize)
        var used: Set<UInt64> = []
        let cursor = try volume.tree(.extentTree)?.makeCursor()
        try cursor?.seek(.minimum)
        while let cursor, cursor.isValid {
            let key = cursor.key
            if key.type == .metadataItem { used.insert(key.objectID.rawValue) }
            if key.type == .extentItem {
                for address in stride(from: key.objectID.rawValue, to: key.objectID.rawValue + key.offset, by: 4096) {
                    used.insert(address / size * size)
                }
            }
            if try !cursor.next() { break }
        }
        var free: [LogicalAddress] = []
        for chunk in volume.chunks.chunks where chunk.chunk.type.contains(.metadata) {
            // From the end, away from where the volume itself will allocate.
            let limit = chunk.end - min(chunk.chunk.length, 4096 * size)
            for address in stride(from: chunk.end / size * size - size, through: limit, by: -Int(size)) {
                if !used.contains(address), !isNearSuperblock(LogicalAddress(address), volume) {
                    free.append(LogicalAddress(address))
                }
            }
        }
        return free.reversed()
    }

    private static func isNearSuperblock(_ address: LogicalAddress, _ volume: Volume) -> Bool {
        for copy in 0..<volume.mirrorCount(at: address) {
            let ranges = try? volume.chunks.physicalRanges(of: address, count: volume.nodeSize, copy: copy)
            for range in ranges ?? [] {
                for offset in Superblock.offsets
                where range.offset < offset + 65536 && offset < range.offset + UInt64(range.count) {
                    return true
                }
            }
        }
        return false
    }
}
