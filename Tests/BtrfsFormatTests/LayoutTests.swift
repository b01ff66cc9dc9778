import BtrfsFormat
import Testing

/// Each layout covers its structure without gap and overlap, and shows what the fields hold.
@Suite struct LayoutTests {
    @Test(arguments: [
        InodeItem.layout, FileExtent.layout, FileExtent.inlineLayout, ExtentItem.layout, TreeBlockInfo.layout,
        ExtentDataRef.layout, SharedDataRef.layout, BlockGroupItem.layout, FreeSpaceInfo.layout,
        Chunk.layout, Chunk.Stripe.layout, DeviceItem.layout, DeviceExtent.layout, RootRef.layout,
        InodeRefs.layout, InodeExtrefs.layout, DirEntries.layout, QgroupStatus.layout,
        QgroupStatus.simpleLayout, QgroupInfo.layout, QgroupLimit.layout, Superblock.layout,
        VerityHeader.layout, VerityDescriptor.layout,
    ])
    func fieldsCoverTheStructure(_ layout: Layout) {
        expectCover(layout, from: 0)
    }

    @Test func fieldsOfRootItemsFollowTheInode() {
        expectCover(RootItem.layout, from: InodeItem.byteCount)
        expectCover(RootItem.legacyLayout, from: InodeItem.byteCount)
    }

    private func expectCover(_ layout: Layout, from start: Int) {
        var end = start
        for field in layout.fields {
            #expect(field.offset == end, "\(layout.name).\(field.name)")
            end = field.offset + field.byteCount
        }
        #expect(end == layout.byteCount, "\(layout.name)")
        #expect(Set(layout.fields.map(\.name)).count == layout.fields.count)
    }

    @Test func sizesAreThoseOfTheFormat() {
        #expect(InodeItem.byteCount == 160)
        #expect(RootItem.byteCount == 439 && RootItem.legacyByteCount == 239)
        #expect(FileExtent.byteCount == 53 && FileExtent.inlineOffset == 21)
        #expect(ExtentItem.byteCount == 24 && TreeBlockInfo.byteCount == 18 && ExtentDataRef.byteCount == 28)
        #expect(BlockGroupItem.byteCount == 24 && Chunk.byteCount(stripes: 2) == 112)
        #expect(DeviceItem.byteCount == 98 && DeviceExtent.byteCount == 48)
        #expect(DirEntries.headerByteCount == 30)
        #expect(InodeRefs.headerByteCount == 10 && InodeExtrefs.headerByteCount == 18)
        #expect(QgroupStatus.byteCount == 32 && QgroupInfo.byteCount == 40 && QgroupLimit.byteCount == 40)
        #expect(BackupRoots.byteCount == 168 && FreeSpaceInfo.byteCount == 8)
    }

    @Test func everyFormatShowsItsValue() throws {
        let data = bytes("fbffffffffffffff 0300000000000000 00ca9a3b 6e616d6500 ff 7fff")
        func value(_ format: FieldFormat, at offset: Int, _ count: Int) throws -> String {
            try LayoutField("x", at: offset, byteCount: count, format).value(data.rawSpan).text
        }
        #expect(try value(.unsigned, at: 0, 8) == "18446744073709551611")
        #expect(try value(.signed, at: 0, 8) == "-5")
        #expect(try value(.signed, at: 25, 1) == "-1")
        #expect(try value(.signed, at: 0, 2) == "-5")
        #expect(try value(.objectID, at: 0, 8) == "-5")
        #expect(try value(.objectID, at: 8, 8) == "3")
        #expect(try value(.hexadecimal, at: 0, 2) == "0xfffb")
        #expect(try value(.octal, at: 26, 1) == "177")
        #expect(try value(.flags([0: "A", 1: "B"]), at: 8, 8) == "A|B")
        #expect(try value(.flags([0: "A"]), at: 8, 8) == "A|0x2")
        #expect(try value(.flags([0: "A"]), at: 9, 4) == "none")
        #expect(try value(.named([3: "three"]), at: 8, 8) == "three")
        #expect(try value(.named([:]), at: 8, 8) == "unknown 3")
        #expect(try value(.time, at: 8, 12) == "3.1000000000")
        #expect(try value(.uuid, at: 0, 16) == "fbffffff-ffff-ffff-0300-000000000000")
        #expect(try value(.text, at: 20, 5) == "name")
        #expect(try value(.bytes, at: 20, 5) == "6e616d6500")
        #expect(throws: FormatError.self) { try value(.bytes, at: 20, 9) }
        #expect(throws: FormatError.self) { try value(.unsigned, at: .max, 8) }
    }

    @Test func layoutsOfPluginsAreDescribed() {
        let layout = Layout(
            "counter", byteCount: 16,
            [
                LayoutField("base", at: 0, byteCount: 8, .signed),
                LayoutField("value", at: 8, byteCount: 8, .signed),
            ])
        let whole = bytes("ffffffffffffffff 0700000000000000")
        #expect(ItemDescription(layout, whole.rawSpan).lines == ["base -1 value 7"])
        let longer = whole + [0xAA]
        #expect(ItemDescription(layout, longer.rawSpan).lines == ["base -1 value 7 data aa"])
        let short = Array(whole.dropLast())
        let description = ItemDescription(layout, short.rawSpan)
        #expect(description.problem != nil)
        #expect(description.record["bytes"] == .bytes(short))
    }
}

/// Items are shown as people know them from the kernel's tools.
@Suite struct DescriptionTests {
    @Test(
        arguments: [
            (.inodeRef, 296, ["ref 0: index 2 name new", "ref 1: index 3 name new2"]),
            (
                .inodeExtref, 3_451_520,
                ["extref 0: parent 257 index 758 name link-with-a-rather-long-name-00755"]
            ),
            (.dirIndex, 2, ["entry 0: location (257 INODE_ITEM 0) type FILE transid 8 name a"]),
            (.rootRef, 257, ["dirid 256 sequence 3 name_len 4 name snap"]),
            (.dirLogIndex, 8, ["end 8"]),
            (
                .extentData, 0,
                [
                    "generation 9 ram_bytes 3 compression none encryption 0 other_encoding 0 type inline "
                        + "inline_size 3"
                ]
            ),
            (.extentChecksum, 13_639_680, ["start 13639680 end 13647872 count 2 sums f37252ae 65e241a3"]),
            (
                .extentItem, 131_072,
                [
                    "refs 2 generation 8 flags DATA",
                    "ref 0: type EXTENT_DATA_REF root 257 objectid 257 offset 0 count 1",
                    "ref 1: type EXTENT_DATA_REF root 256 objectid 257 offset 0 count 1",
                ]
            ),
            (
                .metadataItem, 0,
                [
                    "refs 2 generation 8 flags TREE_BLOCK level 0", "ref 0: type TREE_BLOCK_REF root 256",
                    "ref 1: type TREE_BLOCK_REF root 5",
                ]
            ),
            (.blockGroupItem, 4_194_304, ["used 32768 chunk_objectid 256 flags SYSTEM"]),
            (.freeSpaceInfo, 4_194_304, ["extent_count 3 flags none"]),
            (.freeSpaceExtent, 16384, []),
            (.freeSpaceBitmap, 65536, ["free_sectors 5 bits 2449"]),
            (.sharedBlockRef, 30_670_848, ["parent 30670848"]),
            (.sharedDataRef, 30_670_848, ["parent 30670848 count 3"]),
            (.uuidSubvolume, 12_291_930_278_346_533_028, ["subvol_id 5"]),
            (.qgroupStatus, 0, ["version 1 generation 12 flags ON|SIMPLE_MODE rescan 0 enable_gen 9"]),
            (
                .persistentItem, 1,
                ["write_errs 0 read_errs 0 flush_errs 0 corruption_errs 0 generation 0"]
            ),
        ] as [(KeyType, UInt64, [String])])
    func lines(_ type: KeyType, _ offset: UInt64, _ lines: [String]) throws {
        let fixture = try #require(
            ItemFixture.all.first { $0.key.type == type && $0.key.offset == offset })
        let description = ItemDescription.describe(key: fixture.key, data: fixture.data.rawSpan)
        #expect(description.problem == nil)
        #expect(description.lines == lines)
    }

    @Test func inodesAreShownInLines() throws {
        let fixture = try #require(ItemFixture.files.first)
        let lines = ItemDescription.describe(key: fixture.key, data: fixture.data.rawSpan).lines
        #expect(
            lines == [
                "generation 8 transid 9 size 262144 nbytes 0 block_group 0 nlink 1 uid 0 gid 0 "
                    + "mode 100644 rdev 0",
                "flags none sequence 7 atime 1795358798.200886501 ctime 1795358798.204886501",
                "mtime 1795358798.204886501 otime 1795358798.200886501",
            ])
    }

    @Test func chunksListTheirStripes() throws {
        let fixture = try #require(ItemFixture.all.first { $0.key.type == .chunkItem })
        let lines = ItemDescription.describe(key: fixture.key, data: fixture.data.rawSpan).lines
        #expect(lines[0].contains("type SYSTEM|RAID10"))
        #expect(
            lines.last == "stripe 3: devid 4 offset 1048576 dev_uuid f543b44d-dc15-4f84-83b6-377eb18c8d4b")
    }

    @Test func recordsHaveTypedValues() throws {
        let fixture = try #require(ItemFixture.all.first { $0.key.type == .dirIndex })
        let record = ItemDescription.describe(key: fixture.key, data: fixture.data.rawSpan).record
        guard case .list(let entries)? = record["entry"], case .record(let entry)? = entries.first else {
            Issue.record("a directory entry is a record in a list")
            return
        }
        #expect(entry["location"] == .key(Key(ObjectID(257), .inodeItem, 0)))
        #expect(entry["name"] == .name([0x61]))
        #expect(entry["transid"] == .unsigned(8))
    }

    @Test func damagedAndUnknownItemsShowTheirBytes() {
        let unknown = ItemDescription.describe(
            key: Key(ObjectID(257), KeyType(98), 0), data: bytes("00ff").rawSpan)
        #expect(unknown.problem == nil)
        #expect(unknown.lines == ["bytes 00ff"])
        let damaged = ItemDescription.describe(
            key: Key(ObjectID(257), .inodeItem, 0), data: bytes("00ff").rawSpan)
        #expect(
            damaged.lines == [
                "damaged: key (257 INODE_ITEM 0): 8 bytes at offset 0 lie outside the 2 bytes there are",
                "bytes 00ff",
            ])
    }

    @Test(
        arguments: [
            ("", []), ("plain", Array("plain".utf8)), ("%C3%A4 \\", Array("\u{e4} \\".utf8)),
            ("%FF%0A%00%7F", [0xff, 0x0a, 0x00, 0x7f]), ("100%25", Array("100%".utf8)),
        ] as [(String, [UInt8])])
    func escapedNames(_ text: String, _ name: [UInt8]) {
        #expect(EscapedBytes.text(name) == text)
    }

    @Test func keyTypesHaveTheKernelsNames() {
        #expect(KeyType.inodeItem.description == "INODE_ITEM")
        #expect(KeyType(98).description == "UNKNOWN.98")
        #expect(KeyType(name: "DIR_LOG_INDEX") == .dirLogIndex)
        #expect(KeyType(name: "NO_SUCH_TYPE") == nil)
        for rawValue in UInt8.min...UInt8.max {
            let type = KeyType(rawValue)
            if let named = KeyType(name: type.description) { #expect(named == type) }
        }
    }
}
