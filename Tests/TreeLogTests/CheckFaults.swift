import BlockDevices
import BtrfsFormat
import BtrfsVolume
import HostileImages
import TestSupport

extension CheckFault {
    static let all = space + trees + files + roots

    // MARK: Space

    private static let space: [CheckFault] = [
        CheckFault("refs of a data extent is one more", .extent) {
            try $0.editingFirst(in: .extentTree, .extentItem) { (item: inout ExtentItem) in item.refs += 1 }
        },
        CheckFault("a file has one reference more than there is", .reference) {
            try $0.replacingFirst(in: .extentTree, where: isPlainDataExtent) {
                var data = $0.data
                data[0] += 1
                data[ExtentItem.byteCount + 1 + 24] += 1
                return [$0.with(data: data)]
            }
        },
        CheckFault("another inode is said to refer to an extent", .reference) {
            try $0.replacingFirst(in: .extentTree, where: isPlainDataExtent) {
                var data = $0.data
                data[ExtentItem.byteCount + 1 + 8] ^= 0x40
                return [$0.with(data: data)]
            }
        },
        CheckFault("a tree block is said to be of another tree", .reference) {
            try $0.replacingFirst(in: .extentTree, where: { $0.key.type == .metadataItem }) {
                var data = $0.data
                data[ExtentItem.byteCount + 1] = 7
                return [$0.with(data: data)]
            }
        },
        CheckFault("another node is said to have a shared child", in: sharedBlocks, .reference) {
            try $0.replacingFirst(in: .extentTree, where: { endsWithRef($0, .sharedBlockRef, 9) }) {
                var data = $0.data
                data[data.count - 7] ^= 0x40
                return [$0.with(data: data)]
            }
        },
        CheckFault("another leaf is said to have a shared extent", in: sharedBlocks, .reference) {
            try $0.replacingFirst(in: .extentTree, where: { endsWithRef($0, .sharedDataRef, 13) }) {
                var data = $0.data
                data[data.count - 11] ^= 0x10
                return [$0.with(data: data)]
            }
        },
        CheckFault("the extent item of a tree block is missing", .reference) {
            try $0.removingFirst(in: .extentTree) { $0.key.type == .metadataItem }
        },
        CheckFault("the extent item of a tree block is missing, old form", in: "mix_a.no-skinny", .reference) {
            try $0.removingFirst(in: .extentTree) { $0.key.type == .extentItem && $0.data[16] == 2 }
        },
        CheckFault("what is below a block is said to refer to the block, outside subvolumes", .extent) {
            try $0.replacingFirst(in: .extentTree, where: { isBlock($0, of: .checksumTree, flags: 0x02) }) {
                var data = $0.data
                data[17] |= 1
                return [$0.with(data: data)]
            }
        },
        CheckFault("what is below a shared block is said to refer to its tree", in: sharedBlocks, .extent) {
            try $0.replacingFirst(in: .extentTree, where: { isBlock($0, of: nil, flags: 0x102) }) {
                var data = $0.data
                data[17] = 0
                return [$0.with(data: data)]
            }
        },
        CheckFault("a block is that of a subvolume that does not refer to it", in: "two_subvolumes", .extent) {
            try changeFirstBlock($0, .fileTree, isNode: false) { $0[89] ^= 1 }
        },
        CheckFault("there are METADATA_ITEMs without the feature", .extent) {
            try $0.changingSuperblock { $0.incompat.remove(.skinnyMetadata) }
        },
        CheckFault("an extent that nobody uses", .reference) { image in
            try image.replacingFirst(in: .extentTree, where: isPlainDataExtent) { item in
                let key = item.key
                return [item, item.with(key: Key(ObjectID(key.objectID.rawValue + (2 << 20)), .extentItem, 4096))]
            }
        },
        CheckFault("an extent overlaps the next one", .extent) {
            try $0.replacingFirst(in: .extentTree, where: { isPlainDataExtent($0) && $0.key.offset >= 8192 }) { item in
                let key = item.key
                return [item, item.with(key: Key(ObjectID(key.objectID.rawValue + 4096), .extentItem, key.offset))]
            }
        },
        CheckFault("used of a block group is wrong", .usedSpace) {
            try $0.editingFirst(in: .extentTree, .blockGroupItem) { (item: inout BlockGroupItem) in item.used += 4096 }
        },
        CheckFault("used of a block group is wrong, in a tree of its own", in: "mix_a.bgt", .usedSpace) {
            try $0.editingFirst(in: .blockGroupTree, .blockGroupItem) { (item: inout BlockGroupItem) in
                item.used += 4096
            }
        },
        CheckFault("bytes_used of the superblock is wrong", .usedSpace) {
            try $0.changingSuperblock { $0.bytesUsed += 16384 }
        },
        CheckFault("a run of free space is not listed", .freeSpace) {
            try $0.removingFirst(in: .freeSpaceTree) { $0.key.type == .freeSpaceExtent && $0.key.objectID.rawValue > 16 << 20 }
        },
        CheckFault("a run of free space is listed too long", .freeSpace) {
            try $0.replacingFirst(in: .freeSpaceTree, where: isFreeRun) {
                let start = $0.key.objectID.rawValue - 4096
                return [$0.with(key: Key(ObjectID(start), .freeSpaceExtent, $0.key.offset + 4096))]
            }
        },
        CheckFault("the number of runs of free space is wrong", .freeSpace, judge: .nobody("it is only loaded")) {
            try $0.editingFirst(in: .freeSpaceTree, .freeSpaceInfo, where: { key, _ in key.objectID.rawValue > 16 << 20 }) {
                (item: inout FreeSpaceInfo) in item.extentCount += 1
            }
        },
        CheckFault("free space of a block group that reaches into the next one", .freeSpace) {
            try $0.replacingFirst(in: .freeSpaceTree, where: { $0.key == Key(ObjectID(5 << 20), .freeSpaceInfo, 8 << 20) }) {
                let key = $0.key
                return [$0.with(key: Key(key.objectID, .freeSpaceInfo, key.offset + 4096))]
            }
        },
        CheckFault("a bit of a free space bitmap is set", in: "many_extents_overwritten", .freeSpace, judge: .btrfsCheck) {
            image in
            let hasBitmaps = { (item: LooseItem) in item.key.type == .freeSpaceBitmap }
            return try image.replacingFirst(in: .freeSpaceTree, where: hasBitmaps) {
                var data = $0.data
                let index = data.firstIndex(of: 0) ?? 0
                data[index] |= 0x10
                return [$0.with(data: data)]
            }
        },
        CheckFault("the checksums of data are missing", .checksum) {
            try $0.replacingFirst(in: .checksumTree, where: { $0.data.count > 8 }) {
                [$0.with(data: Array($0.data.dropLast(4)))]
            }
        },
        CheckFault("checksums of nothing", .checksum) {
            try $0.replacingFirst(in: .checksumTree, where: { _ in true }) {
                [$0, $0.with(key: Key(.extentChecksum, .extentChecksum, $0.key.offset + (3 << 20)), data: [1, 2, 3, 4])]
            }
        },
        CheckFault("checksums overlap", .item) {
            try $0.replacingFirst(in: .checksumTree, where: { $0.data.count > 8 }) {
                [$0, $0.with(key: Key(.extentChecksum, .extentChecksum, $0.key.offset + 4096), data: [1, 2, 3, 4])]
            }
        },
    ]

    // MARK: Trees, chunks, devices

    private static let trees: [CheckFault] = [
        CheckFault("a block has another generation than its pointer", in: "snapshot_shared_tree_blocks", .block) {
            try changeFirstBlock($0, .fileTree, isNode: false) { $0[BlockHeader.generationOffset] ^= 1 }
        },
        CheckFault("a block belongs to another tree", .block) {
            try changeFirstBlock($0, .checksumTree, isNode: false) { $0[88] = 5 }
        },
        CheckFault("a block has back references as they were before 2009", .block) {
            try changeFirstBlock($0, .checksumTree, isNode: false) { $0[BlockHeader.flagsOffset + 7] = 0 }
        },
        CheckFault("two keys are swapped", .block) {
            try changeFirstBlock($0, .fileTree, isNode: false) { block in
                for offset in 0..<Key.byteCount {
                    block.swapAt(LeafView.headerOffset(1) + offset, LeafView.headerOffset(2) + offset)
                }
            }
        },
        CheckFault("the key in a node is not that of its child", in: "snapshot_shared_tree_blocks", .block) {
            try changeFirstBlock($0, .fileTree, isNode: true) { $0[BlockHeader.byteCount + 33 + 9] ^= 1 }
        },
        CheckFault("one of two copies of a block is damaged", .block, judge: .nobody("it reads the first good one")) {
            try damage($0, copies: 1..<2)
        },
        CheckFault("all copies of a block are damaged", .block) { try damage($0, copies: 0..<2) },
        CheckFault("a device extent is too short", .deviceExtent) {
            try $0.editingFirst(in: .deviceTree, .deviceExtent) { (item: inout DeviceExtent) in item.length -= 65536 }
        },
        CheckFault("a device extent is missing", .chunk) {
            try $0.removingFirst(in: .deviceTree) { $0.key.type == .deviceExtent }
        },
        CheckFault("bytes_used of a device is wrong", .device) {
            try $0.editingFirst(in: .chunkTree, .deviceItem) { (item: inout DeviceItem) in item.bytesUsed -= 65536 }
        },
        CheckFault("a device is said to be of another volume", .device) {
            try $0.editingFirst(in: .chunkTree, .deviceItem) { (item: inout DeviceItem) in item.fsid = UUID(low: 1, high: 2) }
        },
        CheckFault("a device has another UUID in its superblock", .device) {
            try $0.changingSuperblock { $0.deviceItem.uuid = UUID(low: 1, high: 2) }
        },
        CheckFault("a device ends before its last extent", .deviceExtent) {
            try $0.editingFirst(in: .chunkTree, .deviceItem) { (item: inout DeviceItem) in
                item.totalBytes = item.bytesUsed + 65536
            }
        },
        CheckFault("a stripe is on a device with another UUID", in: "mix_a.raid1", .chunk) {
            try editChunk($0, .data) { $0[1].deviceUUID = UUID(low: 1, high: 2) }
        },
        CheckFault("stripes are said to lie elsewhere", in: "mix_a.raid0", .chunk) {
            try editChunk($0, .data) { $0 = [$0[1], $0[0]].map { stripe in
                Chunk.Stripe(
                    deviceID: stripe.deviceID, physical: stripe.physical + (64 << 20), deviceUUID: stripe.deviceUUID)
            } }
        },
        CheckFault("both copies are on one device", in: "mix_a.raid1", .chunk) {
            try editChunk($0, .data) { $0[1] = Chunk.Stripe(
                deviceID: $0[0].deviceID, physical: $0[0].physical + (1 << 20), deviceUUID: $0[0].deviceUUID) }
        },
        CheckFault("data lies in a block group for tree blocks", .extent) { image in
            func fits(_ item: LooseItem) -> Bool {
                guard item.key.type == .chunkItem, let chunk = try? Chunk(item.data.rawSpan) else { return false }
                return chunk.type.contains(.data) && image.used.dataExtents.contains { $0.lowerBound >= item.key.offset
                    && $0.lowerBound < item.key.offset + chunk.length }
            }
            var start: UInt64 = 0
            let devices = try image.replacingFirst(in: .chunkTree, where: fits) { item in
                start = item.key.offset
                var chunk = try Chunk(item.data.rawSpan)
                chunk.type.formSymmetricDifference([.data, .metadata])
                return [LooseItem(key: item.key, data: chunk.encoded)]
            }
            return try HostileImage(name: image.name, devices: devices).editingFirst(
                in: .extentTree, .blockGroupItem, where: { key, _ in key.objectID.rawValue == start }
            ) { (item: inout BlockGroupItem) in item.flags.formSymmetricDifference([.data, .metadata]) }
        },
        CheckFault("a block group is missing", .chunk) {
            try $0.removingFirst(in: .extentTree) { $0.key.type == .blockGroupItem }
        },
        CheckFault("there are two block groups at one address", .blockGroup) {
            try $0.replacingFirst(in: .extentTree, where: { $0.key.type == .blockGroupItem }) {
                let key = $0.key
                return [$0.with(key: Key(key.objectID, .blockGroupItem, key.offset - 65536)), $0]
            }
        },
        CheckFault("a block group has another profile", .blockGroup) {
            try $0.editingFirst(in: .extentTree, .blockGroupItem) { (item: inout BlockGroupItem) in
                item.flags.formSymmetricDifference(.raid1)
            }
        },
        CheckFault("a copy of the superblock is damaged", .superblock, judge: .nobody("it reads the first one")) {
            let devices = $0.devices.map { $0.copy() }
            try devices[0].write([1, 2, 3], at: Superblock.offsets[1] + 500)
            return devices
        },
    ]

    // MARK: Helpers

    /// Changes the stripes of the first chunk that holds `type`.
    static func editChunk(
        _ image: HostileImage, _ type: BlockGroupFlags, _ change: (inout [Chunk.Stripe]) -> Void
    ) throws -> [MemoryDevice] {
        func decoded(_ item: LooseItem) -> Chunk? { item.key.type == .chunkItem ? try? Chunk(item.data.rawSpan) : nil }
        return try image.replacingFirst(in: .chunkTree, where: { decoded($0)?.type.contains(type) == true }) { item in
            var chunk = try Chunk(item.data.rawSpan)
            change(&chunk.stripes)
            return [LooseItem(key: item.key, data: chunk.encoded)]
        }
    }

    static func isPlainDataExtent(_ item: LooseItem) -> Bool {
        hasInlineRef(item, .extentDataRef) && item.data.count == ExtentItem.byteCount + 29
    }

    static func hasInlineRef(_ item: LooseItem, _ type: KeyType) -> Bool {
        guard item.key.type == .extentItem || item.key.type == .metadataItem else { return false }
        return item.data.count > ExtentItem.byteCount && item.data[ExtentItem.byteCount] == type.rawValue
    }

    /// The item of a tree block with certain flags, whose first reference is one by `tree`, or by any tree.
    static func isBlock(_ item: LooseItem, of tree: ObjectID?, flags: UInt16) -> Bool {
        guard item.key.type == .metadataItem, hasInlineRef(item, .treeBlockRef) else { return false }
        let isOf = tree.map { item.data[ExtentItem.byteCount + 1] == UInt8(truncatingIfNeeded: $0.rawValue) } ?? true
        return isOf && item.data[16] == UInt8(truncatingIfNeeded: flags) && item.data[17] == UInt8(flags >> 8)
    }

    static func endsWithRef(_ item: LooseItem, _ type: KeyType, _ byteCount: Int) -> Bool {
        guard item.key.type == .extentItem || item.key.type == .metadataItem else { return false }
        return item.data.count > ExtentItem.byteCount && item.data[item.data.count - byteCount] == type.rawValue
    }

    /// A run of free space behind a used one.
    static func isFreeRun(_ item: LooseItem) -> Bool {
        let start = item.key.objectID.rawValue
        return item.key.type == .freeSpaceExtent && start > 16 << 20 && start % (1 << 20) != 0
    }

    static func changeFirstBlock(
        _ image: HostileImage, _ tree: ObjectID, isNode: Bool, _ change: (inout [UInt8]) -> Void
    ) throws -> [MemoryDevice] {
        var isDone = false
        return try image.changingBlocks(of: tree) { bytes, block in
            if isDone || (block.level > 0) != isNode { return }
            isDone = true
            change(&bytes)
        }
    }

    /// Damages copies of the first block of the checksum tree.
    static func damage(_ image: HostileImage, copies: Range<Int>) throws -> [MemoryDevice] {
        let devices = image.devices.map { $0.copy() }
        guard let block = image.used.blocks.first(where: { $0.tree == .checksumTree }) else { return devices }
        let chunks = try Volume(opening: devices).chunks
        for copy in copies {
            for place in try chunks.physicalRanges(of: block.address, count: 4096, copy: copy) {
                try devices[Int(place.deviceID) - 1].write([1, 2, 3, 4], at: place.offset + 3000)
            }
        }
        return devices
    }
}
