import BtrfsFormat
import Testing

/// Each rule for the content of items: a valid item, changed in one place, is refused with that reason.
@Suite struct ItemCheckerTests {
    private func refusal(of items: [(key: Key, data: [UInt8])], _ context: CheckContext) -> String? {
        var checker = ItemChecker(context)
        for item in items {
            do { try checker.check(key: item.key, data: item.data.rawSpan) } catch {
                return error.description
            }
        }
        return nil
    }

    /// - Parameter change: hexadecimal digits at an offset; an offset of -1 appends
    private func expectRefusal(
        _ type: KeyType, at keyOffset: UInt64? = nil, _ offset: Int, _ digits: String, _ reason: String
    ) throws {
        let fixture = try fixture(type, at: keyOffset)
        var data = fixture.data
        let change = bytes(digits)
        if offset < 0 {
            data += change
        } else {
            data.replaceSubrange(offset..<offset + change.count, with: change)
        }
        let refusal = refusal(of: [(fixture.key, data)], fixture.context)
        #expect(refusal?.contains(reason) == true, "\(type): \(refusal ?? "accepted"), expected: \(reason)")
    }

    private func expectRefusal(_ type: KeyType, key: Key, _ reason: String) throws {
        let fixture = try fixture(type)
        let refusal = refusal(of: [(key, fixture.data)], fixture.context)
        #expect(refusal?.contains(reason) == true, "\(key): \(refusal ?? "accepted"), expected: \(reason)")
    }

    private func fixture(_ type: KeyType, at offset: UInt64? = nil) throws -> ItemFixture {
        try #require(
            ItemFixture.all.first { $0.key.type == type && (offset == nil || $0.key.offset == offset) })
    }

    @Test func inodes() throws {
        try expectRefusal(.inodeItem, key: Key(ObjectID(255), .inodeItem, 0), "inode 255 is not one of")
        try expectRefusal(.inodeItem, key: Key(ObjectID(0 &- 255), .inodeItem, 0), "inode -255 is not one of")
        try expectRefusal(.inodeItem, key: Key(ObjectID(257), .inodeItem, 1), "is 1, not 0")
        try expectRefusal(.inodeItem, -1, "00", "has 160 bytes, not 161")
        try expectRefusal(.inodeItem, 0, "0e", "generation is 14, newer than the running transaction 13")
        try expectRefusal(.inodeItem, 8, "0e", "transid is 14")
        try expectRefusal(.inodeItem, 52, "a401", "mode is 0644")
        try expectRefusal(.inodeItem, 52, "a4f1", "mode is 0170644")
        try expectRefusal(.inodeItem, 52, "a4810100", "mode is 0300644")
        try expectRefusal(.inodeItem, 64, "0010", "inode flags 0x1000 are not known")
        try expectRefusal(.inodeItem, 68, "02", "inode flags 0x200000000 are not known")
        let inode = try fixture(.inodeItem)
        for id in [ObjectID.firstFree, .lastFree, .rootTreeDirectory, .freeInode] {
            #expect(refusal(of: [(Key(id, .inodeItem, 0), inode.data)], inode.context) == nil)
        }
    }

    @Test func directoriesHaveOneLink() throws {
        let fixture = try fixture(.inodeItem)
        var inode = InodeItem(generation: 3, mode: 0o040755, time: .zero)
        for (nlink, isValid) in [(UInt32(0), true), (1, true), (2, false)] {
            inode.nlink = nlink
            #expect((refusal(of: [(fixture.key, inode.encoded)], fixture.context) == nil) == isValid)
        }
    }

    @Test func unknownReadOnlyFlagsForbidWritingOnly() throws {
        let fixture = try fixture(.inodeItem)
        var inode = InodeItem(generation: 3, mode: 0o100644, time: .zero)
        inode.flags = [.verity, InodeFlags(rawValue: 1 << 40)]
        var context = fixture.context
        context.access = .reading
        #expect(refusal(of: [(fixture.key, inode.encoded)], context) == nil)
        context.access = .writing
        #expect(refusal(of: [(fixture.key, inode.encoded)], context)?.contains("0x10000000000") == true)
    }

    @Test func references() throws {
        try expectRefusal(.inodeRef, 8, "0000", "a name of 0 bytes")
        try expectRefusal(.inodeRef, 8, "0400", "lie outside")
        try expectRefusal(.inodeRef, -1, "00", "lie outside")
        try expectRefusal(.inodeExtref, 16, "2100", "lie outside")
        try expectRefusal(.inodeExtref, 16, "0000", "a name of 0 bytes")
        try expectRefusal(.rootRef, 16, "0500", "has 23 bytes, not 22")
        for type in [KeyType.inodeRef, .inodeExtref, .dirItem, .dirIndex, .xattrItem] {
            let fixture = try fixture(type)
            #expect(refusal(of: [(fixture.key, [])], fixture.context)?.contains("has no entry") == true)
        }
        let long = [UInt8](repeating: 0x61, count: 256)
        let fixture = try fixture(.inodeRef)
        let item = InodeRefs.entry(index: 2, name: long.rawSpan)
        #expect(refusal(of: [(fixture.key, item)], fixture.context)?.contains("256 bytes") == true)
    }

    @Test func directoryEntries() throws {
        try expectRefusal(.dirIndex, 8, "02", "neither an INODE_ITEM nor a ROOT_ITEM")
        try expectRefusal(
            .dirIndex, 9, "01", "the offset in the key of an entry that leads to inode 257 is 1")
        try expectRefusal(.dirIndex, 0, "0200", "an entry that leads to inode 2 is not one of")
        try expectRefusal(.dirIndex, 0, "0200 000000000000 84", "leads to tree 2, which is no subvolume")
        try expectRefusal(.dirIndex, 0, String(repeating: "00", count: 17), "leads nowhere")
        try expectRefusal(.dirIndex, 29, "00", "an entry of type UNKNOWN")
        try expectRefusal(.dirIndex, 29, "08", "an entry of type XATTR")
        try expectRefusal(.dirIndex, 29, "09", "an entry of type UNKNOWN.9")
        try expectRefusal(.dirIndex, 25, "0100 0000", "a name of 0 bytes")
        try expectRefusal(.dirIndex, 27, "0200", "lie outside")
        try expectRefusal(.dirItem, 30, "7b", "the hash of a name is")
        try expectRefusal(.xattrItem, 29, "01", "an entry of type FILE in an item of type XATTR_ITEM")
        try expectRefusal(.xattrItem, 30, "76", "the hash of a name is")
        let fixture = try fixture(.dirIndex)
        let withValue = bytes("0101000000000000010000000000000000 0800000000000000 0100 0100 01 61 62")
        #expect(
            refusal(of: [(fixture.key, withValue)], fixture.context)?.contains("a value of 1 bytes") == true)
        let subvolume = bytes("010100000000000084ffffffffffffffff 0800000000000000 0000 0100 02 61")
        #expect(refusal(of: [(fixture.key, subvolume)], fixture.context) == nil)
        let encrypted = bytes("0101000000000000010000000000000000 0800000000000000 0000 0100 81 61")
        #expect(refusal(of: [(fixture.key, encrypted)], fixture.context) == nil)
    }

    @Test func attributesFitALeaf() throws {
        let name = Array("user.a".utf8)
        let key = Key(ObjectID(257), .xattrItem, UInt64(NameHash.name(name.rawSpan)))
        let context = try fixture(.xattrItem).context
        for (size, isValid) in [(16252, true), (16253, false)] {
            let value = [UInt8](repeating: 1, count: size)
            let item = DirEntries.entry(
                location: .minimum, transid: 8, type: .xattr, name: name.rawSpan, data: value.rawSpan)
            #expect((refusal(of: [(key, item)], context) == nil) == isValid)
        }
    }

    @Test func fileExtents() throws {
        try expectRefusal(.extentData, at: 0, 20, "03", "type is 3")
        try expectRefusal(.extentData, at: 0, 16, "04", "compression is 4")
        try expectRefusal(.extentData, at: 0, 17, "01", "encryption is 1")
        try expectRefusal(.extentData, at: 0, 8, "04", "3 bytes of inline data where ram_bytes says 4")
        try expectRefusal(
            .extentData, key: Key(ObjectID(298), .extentData, 4096), "inline extent at offset 4096")
        try expectRefusal(.extentData, key: Key(ObjectID(298), .extentData, 1), "offset of the key is 1")
        for (offset, name) in [
            (8, "ram_bytes"), (21, "disk_bytenr"), (29, "disk_num_bytes"), (37, "offset"), (45, "num_bytes"),
        ] {
            try expectRefusal(.extentData, at: 4096, offset, "01", "\(name) is")
        }
        try expectRefusal(.extentData, at: 4096, 45, "0000000000000000", "num_bytes is 0")
        try expectRefusal(.extentData, at: 4096, 45, "00f0ffffffffffff", "reach beyond 2^64")
        try expectRefusal(.extentData, at: 4096, -1, "00", "has 53 bytes, not 54")
        let inline = try fixture(.extentData, at: 0)
        let compressed = bytes("0900000000000000 0010000000000000 01 00 0000 00 6e6577")
        #expect(refusal(of: [(inline.key, compressed)], inline.context) == nil)
        #expect(refusal(of: [(inline.key, Array(inline.data.prefix(20)))], inline.context) != nil)
    }

    @Test func fileExtentsDoNotOverlap() throws {
        let fixture = try fixture(.extentData, at: 4096)
        func item(_ inode: UInt64, at offset: UInt64) -> (key: Key, data: [UInt8]) {
            (Key(ObjectID(inode), .extentData, offset), fixture.data)
        }
        var context = fixture.context
        context.isLog = true
        #expect(refusal(of: [item(257, at: 0), item(257, at: 65536)], context) == nil)
        #expect(refusal(of: [item(257, at: 0), item(257, at: 131_072)], context) == nil)
        #expect(refusal(of: [item(257, at: 0), item(258, at: 4096)], context) == nil)
        let overlap = refusal(of: [item(257, at: 0), item(257, at: 61440)], context)
        #expect(overlap?.contains("the extent before it, at 0, reaches to 65536") == true)
        let inline = try self.fixture(.extentData, at: 0)
        let after = [(key: Key(ObjectID(257), .extentData, 0), data: inline.data), item(257, at: 4096)]
        #expect(refusal(of: after, context) == nil)
    }

    @Test func checksums() throws {
        let key = Key(.extentChecksum, .extentChecksum, 13_639_680)
        try expectRefusal(
            .extentChecksum, key: Key(ObjectID(256), .extentChecksum, 4096), "object 256, not -10")
        try expectRefusal(
            .extentChecksum, key: Key(.extentChecksum, .extentChecksum, 4097), "offset of the key")
        try expectRefusal(.extentChecksum, -1, "00", "9 bytes are no whole checksums")
        let fixture = try fixture(.extentChecksum)
        let second = Key(.extentChecksum, .extentChecksum, key.offset + 4096)
        let third = Key(.extentChecksum, .extentChecksum, key.offset + 8192)
        let items = [(key: key, data: fixture.data), (key: second, data: fixture.data)]
        #expect(refusal(of: items, fixture.context)?.contains("reach to 13647872") == true)
        #expect(refusal(of: [items[0], (third, fixture.data)], fixture.context) == nil)
        #expect(refusal(of: [(key, [])], fixture.context) != nil)
    }

    @Test func itemsFollowTheirInodeInSubvolumesOnly() throws {
        let inode = try fixture(.inodeItem)
        let index = try fixture(.dirIndex)
        let items = [
            (key: Key(.firstFree, .inodeItem, 0), data: inode.data), (key: index.key, data: index.data),
        ]
        #expect(refusal(of: items, index.context) == nil)
        let stray = [
            (key: Key(ObjectID(255 + 2), .inodeItem, 0), data: inode.data),
            (key: Key(ObjectID(258), .dirIndex, 2), data: index.data),
        ]
        #expect(refusal(of: stray, index.context)?.contains("no item of inode 258 stands before it") == true)
        var log = index.context
        log.isLog = true
        #expect(refusal(of: stray, log) == nil)
        var rootTree = index.context
        rootTree.owner = .rootTree
        #expect(refusal(of: stray, rootTree) == nil)
        // The first item of a leaf may belong to an inode in the leaf before.
        #expect(refusal(of: [stray[1]], index.context) == nil)
    }

    @Test func rootItems() throws {
        try expectRefusal(.rootItem, -1, "00", "439 or 239 bytes, not 440")
        try expectRefusal(.rootItem, 160, "0e", "generation is 14")
        try expectRefusal(.rootItem, 239, "0e", "generation_v2 is 14")
        try expectRefusal(.rootItem, 200, "0e", "last_snapshot is 14")
        try expectRefusal(.rootItem, 176, "01", "bytenr is")
        try expectRefusal(.rootItem, 238, "08", "level is 8")
        try expectRefusal(.rootItem, 237, "08", "drop_level is 8")
        try expectRefusal(.rootItem, 208, "02", "flags are 0x2")
    }

    @Test func extents() throws {
        let address = UInt64(13_631_488)
        try expectRefusal(
            .extentItem, key: Key(ObjectID(address + 1), .extentItem, 131_072), "address of the extent")
        try expectRefusal(.extentItem, key: Key(ObjectID(address), .extentItem, 0), "an extent of 0 bytes")
        try expectRefusal(.extentItem, key: Key(ObjectID(address), .extentItem, 4097), "length of the extent")
        try expectRefusal(.extentItem, key: Key(ObjectID(0 &- 4096), .extentItem, 8192), "beyond 2^64")
        try expectRefusal(.extentItem, at: 131_072, 8, "0e", "generation is 14")
        try expectRefusal(.extentItem, at: 131_072, 16, "03", "neither DATA nor TREE_BLOCK alone")
        try expectRefusal(.extentItem, at: 131_072, 0, "01", "2 inline references where refs says 1")
        try expectRefusal(.extentItem, at: 131_072, 24, "b1", "177 is no type of an inline reference")
        try expectRefusal(.extentItem, at: 131_072, 24, "b0", "a tree refers to a data extent")
        try expectRefusal(.extentItem, at: 131_072, 25, "0901", "not in order")
        try expectRefusal(.extentItem, at: 131_072, 25, "0000", "tree 0, which holds no files")
        try expectRefusal(.extentItem, at: 131_072, 41, "01", "offset of a data reference")
        try expectRefusal(.extentItem, at: 131_072, 49, "00", "count of a reference is 0")
        try expectRefusal(.extentItem, at: 131_072, -1, "b2", "lie outside")
        try expectRefusal(.extentItem, at: 16384, 41, "08", "level is 8")
        try expectRefusal(.extentItem, at: 16384, 52, "01", "address of the parent")
        try expectRefusal(.extentItem, at: 16384, 16, "01", "no type of an inline reference")
        try expectRefusal(.metadataItem, 16, "01", "a METADATA_ITEM without TREE_BLOCK")
        try expectRefusal(.metadataItem, key: Key(ObjectID(4096), .metadataItem, 8), "level is 8")
        try expectRefusal(.extentDataRef, 0, "07", "a data reference of tree 7, which holds no files")
        try expectRefusal(.extentDataRef, -1, "00", "no whole references")
        try expectRefusal(.sharedDataRef, -1, "00", "has 4 bytes, not 5")
        try expectRefusal(.sharedBlockRef, -1, "00", "has 0 bytes, not 1")
    }

    @Test func spaceAndDevices() throws {
        try expectRefusal(.blockGroupItem, 0, "0100400000000000", "4194305 bytes used of 4194304")
        try expectRefusal(.blockGroupItem, 8, "01", "chunk_objectid is 257")
        try expectRefusal(.blockGroupItem, 16, "30", "more than one profile")
        try expectRefusal(.blockGroupItem, 16, "06", "none of DATA, SYSTEM")
        try expectRefusal(.blockGroupItem, -1, "00", "has 24 bytes, not 25")
        try expectRefusal(.chunkItem, 44, "0300", "a chunk with 3 stripes has 144 bytes, not 176")
        try expectRefusal(.chunkItem, 0, "0000000000000000", "a chunk of 0 bytes")
        try expectRefusal(.chunkItem, 0, "01", "length of the chunk is 16777217")
        try expectRefusal(.chunkItem, 0, "00f0ffffffffffff", "a chunk of 18446744073709547520 bytes")
        try expectRefusal(.chunkItem, 40, "00020000", "a chunk with sectors of 512 bytes, not 4096")
        try expectRefusal(.deviceItem, 0, "02", "the item is of device 2")
        try expectRefusal(.deviceItem, 8, "0000000000000000", "bytes used of 0")
        try expectRefusal(.deviceItem, key: Key(ObjectID(2), .deviceItem, 1), "a device item under object 2, not 1")
        try expectRefusal(.freeSpaceInfo, -1, "00", "has 8 bytes, not 9")
        try expectRefusal(.freeSpaceExtent, -1, "00", "has 0 bytes, not 1")
        try expectRefusal(.freeSpaceBitmap, -1, "00", "3 bytes of bits for 16 sectors")
        try expectRefusal(.freeSpaceInfo, key: Key(ObjectID(1), .freeSpaceInfo, 4096), "start is 1")
        try expectRefusal(.deviceExtent, -1, "00", "has 48 bytes, not 49")
        try expectRefusal(.qgroupStatus, -1, "00", "32 or 40 bytes, not 41")
        try expectRefusal(.qgroupInfo, -1, "00", "has 40 bytes, not 41")
        try expectRefusal(.uuidSubvolume, -1, "00", "no whole subvolume numbers")
    }

    @Test func unknownTypesHaveNoRules() throws {
        let context = try fixture(.inodeItem).context
        for type in [KeyType(97), KeyType(25), .dirLogIndex, .dirLogItem, .orphanItem, .verityMerkle] {
            #expect(refusal(of: [(Key(ObjectID(1), type, 5), [1, 2, 3])], context) == nil)
        }
    }

    @Test func checkingGoesOnAfterADamagedItem() throws {
        let fixture = try fixture(.extentData, at: 4096)
        var checker = ItemChecker(fixture.context)
        var damaged = fixture.data
        damaged[45] = 1
        #expect(throws: FormatError.self) { try checker.check(key: fixture.key, data: damaged.rawSpan) }
        let next = Key(fixture.key.objectID, .extentData, 8192)
        #expect(throws: Never.self) { try checker.check(key: next, data: fixture.data.rawSpan) }
    }
}
