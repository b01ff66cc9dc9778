import BlockDevices
import BtrfsFormat
import BtrfsVolume
import HostileImages
import Testing
import TreeLog

extension CheckFault {
    // MARK: Files

    static let files: [CheckFault] = [
        CheckFault("a file has one link too many", .linkCount) {
            try editInode($0, where: \.isRegularFile) { $0.nlink += 1 }
        },
        CheckFault("a directory has two links", .item) {
            try editInode($0, where: \.isDirectory) { $0.nlink = 2 }
        },
        CheckFault("a file without a link has no orphan item", .orphan) {
            try editInode($0, where: \.isRegularFile) { $0.nlink = 0 }
        },
        CheckFault("a name has a slash", .name, judge: .nobody("it compares names, and does not look at them")) {
            try $0.replacingFirst(in: .fileTree, where: { $0.key.type == .dirIndex }) {
                var data = $0.data
                data[data.count - 1] = UInt8(ascii: "/")
                return [$0.with(data: data)]
            }
        },
        CheckFault(
            "a symbolic link is longer than its text", .fileExtent, judge: .nobody("it does not look at the text")
        ) {
            try editInode($0, where: \.isSymlink) { $0.size += 2 }
        },
        CheckFault("the size of a directory is wrong", .directorySize) {
            try editInode($0, where: \.isDirectory) { $0.size += 2 }
        },
        CheckFault("nbytes is wrong", .fileBytes) { try editInode($0, where: \.isRegularFile) { $0.nbytes += 4096 } },
        CheckFault("data has checksums that its file does not want", .checksum) {
            try editInode($0, where: { $0.isRegularFile && $0.nbytes > 4096 && !$0.flags.contains(.noDataChecksum) }) {
                $0.flags.insert([.noDataChecksum])
            }
        },
        // The first item that lacks it is told; what it belongs to is then not looked at further.
        CheckFault("an inode item is missing", .item) {
            try $0.removingFirst(in: .fileTree) { $0.key.type == .inodeItem && $0.key.objectID > .firstFree }
        },
        CheckFault("a DIR_INDEX is missing", .name) { try $0.removingFirst(in: .fileTree) { $0.key.type == .dirIndex } },
        CheckFault("a DIR_ITEM is missing", .name) { try $0.removingFirst(in: .fileTree) { $0.key.type == .dirItem } },
        CheckFault("an INODE_REF is missing", .name) {
            try $0.removingFirst(in: .fileTree) { $0.key.type == .inodeRef && $0.key.objectID > .firstFree }
        },
        CheckFault("an INODE_REF has another index", .name) {
            try $0.replacingFirst(in: .fileTree, where: { $0.key.type == .inodeRef && $0.key.objectID > .firstFree }) {
                var data = $0.data
                data[2] ^= 1
                return [$0.with(data: data)]
            }
        },
        CheckFault("the root directory has another name in itself", .name) {
            try $0.replacingFirst(in: .dataRelocationTree, where: { $0.key.type == .inodeRef }) {
                var data = $0.data
                data[data.count - 1] ^= 1
                return [$0.with(data: data)]
            }
        },
        CheckFault("an INODE_REF of what is no inode", .item) {
            try $0.replacingFirst(in: .dataRelocationTree, where: { $0.key.type == .inodeRef }) {
                [$0, $0.with(key: Key(ObjectID(255), .inodeRef, $0.key.offset))]
            }
        },
        CheckFault("an extended reference has another name", in: "extref_added_dir_fsync", .name) {
            try $0.replacingFirst(in: .fileTree, where: { $0.key.type == .inodeExtref }) {
                var data = $0.data
                data[data.count - 1] ^= 1
                return [$0.with(data: data)]
            }
        },
        CheckFault("an entry has another type than its inode", .name) {
            try $0.replacingFirst(in: .fileTree, where: { $0.key.type == .dirIndex }) {
                var data = $0.data
                data[29] = data[29] == 3 ? 4 : 3
                return [$0.with(data: data)]
            }
        },
        CheckFault("a name is said to be encrypted", .name) {
            try $0.replacingFirst(in: .fileTree, where: { $0.key.type == .dirIndex }) {
                var data = $0.data
                data[29] |= 0x80
                return [$0.with(data: data)]
            }
        },
        CheckFault("a symbolic link is immutable", .inode) {
            try editInode($0, where: \.isSymlink) { $0.flags.insert(.immutable) }
        },
        CheckFault("an entry leads to another inode", .name) {
            try $0.replacingFirst(in: .fileTree, where: { $0.key.type == .dirItem }) {
                var data = $0.data
                data[1] ^= 2
                return [$0.with(data: data)]
            }
        },
        CheckFault("file extents overlap", .item) {
            try $0.editingFileExtent(where: { key, _ in key.offset > 0 }) { key, _ in key.offset -= 4096 }
        },
        CheckFault("an extent item is missing where there are no holes", in: "mix_a.holes", .fileExtent) {
            try $0.removingFirst(in: .fileTree) { $0.key.type == .extentData && $0.key.offset > 0 }
        },
        CheckFault("a piece reaches beyond its extent", .fileExtent) {
            try $0.editingFileExtent(where: { $1.compression == .none && $1.kind == .regular }) { _, extent in
                extent.ramBytes = extent.byteCount + extent.offset - 4096
            }
        },
        CheckFault("a file extent is of a generation to come", .fileExtent) {
            try $0.editingFileExtent { _, extent in extent.generation += 1000 }
        },
        CheckFault("a preallocated extent is encoded", in: "prealloc_partial_write", .fileExtent) {
            try $0.editingFileExtent(where: { $1.kind == .preallocated }) { _, extent in extent.otherEncoding = 1 }
        },
        CheckFault("a hole reaches beyond itself", in: "explicit_holes_truncate", .fileExtent) {
            try $0.replacingFirst(in: .fileTree, where: isHole) {
                let data = $0.data
                var extent = try FileExtent(data.rawSpan)
                extent.offset = 1 << 30
                return [$0.with(data: extent.encoded)]
            }
        },
        CheckFault("a file refers to an extent of 64 PiB more", .reference) {
            try $0.editingFileExtent(where: { $1.kind == .regular }) { _, extent in extent.diskByteCount |= 1 << 56 }
        },
        CheckFault("a file refers to an extent that is not there", .reference) {
            try $0.editingFileExtent(where: { $1.kind == .regular }) { _, extent in
                extent.diskAddress = LogicalAddress(extent.diskAddress.rawValue + (4 << 20))
            }
        },
        CheckFault("data is not what its checksum says", .data) { image in
            let devices = image.devices.map { $0.copy() }
            let volume = try Volume(opening: devices)
            guard let cursor = try volume.tree(.checksumTree)?.makeCursor() else { return devices }
            try cursor.seek(.minimum)
            let address = LogicalAddress(cursor.key.offset)
            for place in try volume.chunks.physicalRanges(of: address, count: 512, copy: 0) {
                try devices[Int(place.deviceID) - 1].write([9, 9, 9, 9], at: place.offset + 100)
            }
            return devices
        },
        CheckFault(
            "a file that fs-verity protects has no descriptor", .verity,
            judge: .nobody("btrfs check does not look at what fs-verity keeps")
        ) {
            try editInode($0, where: \.isRegularFile) { $0.flags.insert(.verity) }
        },
        CheckFault(
            "a directory is above itself", .name, judge: .nobody("btrfs check does not ask for a path from the root")
        ) { image in
            let devices = image.devices.map { $0.copy() }
            let fileSystem = try FileSystem(mounting: devices)
            let top = try fileSystem.makeDirectory("/top").inode
            let below = try fileSystem.makeDirectory("/top/below").inode
            try fileSystem.unmount()
            let transaction = try Transaction(on: Volume(opening: devices))
            let files = Namespace(try #require(try transaction.tree(.fileTree)), in: transaction)
            let name = Array("top".utf8)
            try files.unlink(name.rawSpan, of: top, in: .firstFree, now: Timestamp(seconds: 0, nanoseconds: 0))
            _ = try files.addLink(
                name.rawSpan, at: 2, to: top, type: .directory, in: below, backReference: .add)
            try files.updateInode(top) { $0.nlink = 1 }
            try transaction.commit()
            return devices
        },
    ]

    // MARK: Subvolumes, quotas, the log

    static let roots: [CheckFault] = [
        CheckFault("a ROOT_REF is missing", in: "two_subvolumes", .root) {
            try $0.removingFirst(in: .rootTree) { $0.key.type == .rootRef }
        },
        CheckFault("the root directory of a tree has another number", .root) {
            try $0.replacingFirst(in: .rootTree, where: { $0.key == Key(.dataRelocationTree, .rootItem, 0) }) {
                var data = $0.data
                data[168] ^= 1
                return [$0.with(data: data)]
            }
        },
        CheckFault(
            "a tree that is no snapshot has a generation in its key", .root,
            judge: .btrfsCheck
        ) {
            try $0.replacingFirst(in: .rootTree, where: { $0.key == Key(.checksumTree, .rootItem, 0) }) {
                [$0.with(key: Key(.checksumTree, .rootItem, 7))]
            }
        },
        CheckFault("a directory in the tree of trees", .inode) {
            try $0.replacingFirst(in: .rootTree, where: { $0.key == Key(.rootTreeDirectory, .inodeItem, 0) }) {
                [$0, $0.with(key: Key(ObjectID(4102), .inodeItem, 0))]
            }
        },
        CheckFault("a ROOT_BACKREF has another name", in: "two_subvolumes", .root) {
            try $0.replacingFirst(in: .rootTree, where: { $0.key.type == .rootBackref }) {
                var data = $0.data
                data[data.count - 1] ^= 1
                return [$0.with(data: data)]
            }
        },
        CheckFault("a subvolume has no name", in: "two_subvolumes", .root) { image in
            try image.changing(.rootTree) { items in
                guard let child = items.first(where: { $0.key.type == .rootRef })?.key.offset else { return }
                items.removeAll {
                    ($0.key.type == .rootRef && $0.key.offset == child)
                        || ($0.key.type == .rootBackref && $0.key.objectID.rawValue == child)
                }
            }
        },
        CheckFault("a named subvolume has no root item", in: "two_subvolumes", .root) { image in
            try image.changing(.rootTree) { items in
                guard let child = items.first(where: { $0.key.type == .rootRef })?.key.offset else { return }
                items.removeAll { $0.key.type == .rootItem && $0.key.objectID.rawValue == child }
            }
        },
        CheckFault(
            "a subvolume is above itself", .root, judge: .nobody("btrfs check does not ask for a path to a subvolume")
        ) { image in
            let devices = image.devices.map { $0.copy() }
            let fileSystem = try FileSystem(mounting: devices)
            let upper = try fileSystem.createSubvolume("/upper")
            let lower = try fileSystem.createSubvolume("/upper/lower")
            try fileSystem.unmount()
            let transaction = try Transaction(on: Volume(opening: devices))
            let (name, location) = (Array("upper".utf8), Key(upper, .rootItem, .max))
            let index = try #require(try transaction.rootReference(of: upper, in: .fileTree)).sequence
            try transaction.removeRootReference(of: upper, in: .fileTree)
            try Namespace(try #require(try transaction.tree(.fileTree)), in: transaction)
                .removeSubvolumeEntry(name.rawSpan, at: index, in: .firstFree)
            _ = try Namespace(try #require(try transaction.tree(lower)), in: transaction)
                .addSubvolumeEntry(name.rawSpan, at: 2, to: location, in: .firstFree)
            try transaction.addRootReference(
                of: upper, in: lower, directory: .firstFree, index: 2, name: name)
            try transaction.commit()
            return devices
        },
        CheckFault("a subvolume is said to use more", in: quotas, .quota) {
            try $0.editingFirst(in: .quotaTree, .qgroupInfo) { (item: inout QgroupInfo) in item.referenced += 4096 }
        },
        CheckFault("a group of groups is said to use less alone", in: quotas, .quota) {
            try $0.editingFirst(in: .quotaTree, .qgroupInfo, where: { key, _ in key.offset >> 48 == 2 }) {
                (item: inout QgroupInfo) in item.exclusive -= 4096
            }
        },
        CheckFault("what a group uses stands under another object", in: quotas, .quota) {
            try $0.replacingFirst(in: .quotaTree, where: { $0.key.type == .qgroupInfo }) {
                [$0, $0.with(key: Key(ObjectID(1), .qgroupInfo, $0.key.offset))]
            }
        },
        CheckFault("a quota group does not know what is above it", in: quotas, .quota) {
            try $0.removingFirst(in: .quotaTree) { $0.key.type == .qgroupRelation }
        },
        CheckFault("what is above a quota group is not there", in: quotas, .quota) {
            try $0.replacingFirst(in: .quotaTree, where: { $0.key.type == .qgroupRelation }) {
                [$0.with(key: Key($0.key.objectID, .qgroupRelation, $0.key.offset + 7))]
            }
        },
        CheckFault(
            "simple quotas charge too much", in: "mix_a.squota", .quota,
            judge: .nobody("this btrfs-progs cannot open volumes with simple quotas")
        ) {
            try $0.editingFirst(in: .quotaTree, .qgroupInfo) { (item: inout QgroupInfo) in item.referenced += 4096 }
        },
    ]

    private static func isHole(_ item: LooseItem) -> Bool {
        let data = item.data
        return item.key.type == .extentData && (try? FileExtent(data.rawSpan))?.isHole == true
    }

    static func editInode(
        _ image: HostileImage, where fits: (InodeItem) -> Bool, _ change: (inout InodeItem) -> Void
    ) throws -> [MemoryDevice] {
        try image.editingFirst(
            in: .fileTree, .inodeItem, where: { key, item in key.objectID > .firstFree && fits(item) }, change)
    }
}
