import BtrfsFormat

/// An item as Linux 6.18 wrote it.
struct ItemFixture: Sendable, CustomStringConvertible {
    let key: Key
    let data: [UInt8]
    /// The tree in which the item was found.
    let owner: ObjectID

    init(_ key: Key, in owner: ObjectID, _ digits: String) {
        self.key = key
        self.owner = owner
        data = bytes(digits)
    }

    var description: String { key.description }

    /// The volume of which the item could be a part.
    var context: CheckContext {
        CheckContext(
            sectorSize: 4096, nodeSize: 16384, generation: 12, checksumSize: 4, isLog: owner == .treeLog,
            owner: owner, access: .writing)
    }
}

/// The bytes that hexadecimal digits stand for; white space is ignored.
func bytes(_ digits: String) -> [UInt8] {
    let values = digits.compactMap(\.hexDigitValue).map { UInt8($0) }
    precondition(values.count % 2 == 0, "half a byte in a fixture")
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
}

extension ItemFixture {
    static let all = names + files + space + trees

    static let names: [ItemFixture] = [
        ItemFixture(
            Key(ObjectID(297), .inodeRef, 296), in: .treeLog,
            "020000000000000003006e6577 030000000000000004006e657732"),
        ItemFixture(
            Key(ObjectID(258), .inodeExtref, 3_451_520), in: .fileTree,
            """
            0101000000000000 f602000000000000 2200
            6c696e6b2d776974682d612d7261746865722d6c6f6e672d6e616d652d3030373535
            """),
        ItemFixture(
            Key(ObjectID(257), .xattrItem, 236_003_188), in: .fileTree,
            """
            0000000000000000000000000000000000 0800000000000000 1100 0d00 08
            757365722e6e343379777067336f6c642d757365722e6e34337977706733
            0000000000000000000000000000000000 0800000000000000 1100 0d00 08
            757365722e70343271667079716f6c642d757365722e7034327166707971
            """),
        ItemFixture(
            Key(ObjectID(256), .dirItem, 3_106_232_810), in: .fileTree,
            """
            0301000000000000010000000000000000 0800000000000000 0000 0800 01 7a79346e32336c7a
            0401000000000000010000000000000000 0800000000000000 0000 0800 01 6c34696c64653372
            """),
        ItemFixture(
            Key(ObjectID(256), .dirIndex, 2), in: .fileTree,
            "0101000000000000010000000000000000 0800000000000000 0000 0100 01 61"),
        ItemFixture(
            Key(ObjectID(5), .rootRef, 257), in: .rootTree,
            "0001000000000000 0300000000000000 0400 736e6170"),
        ItemFixture(Key(ObjectID(257), .dirLogIndex, 8), in: .treeLog, "0800000000000000"),
    ]

    static let files: [ItemFixture] = [
        ItemFixture(
            Key(ObjectID(257), .inodeItem, 0), in: .treeLog,
            """
            0800000000000000 0900000000000000 0000040000000000 0000000000000000 0000000000000000
            01000000 00000000 00000000 a4810000 0000000000000000 0000000000000000 0700000000000000
            0000000000000000000000000000000000000000000000000000000000000000
            4e00036b00000000e548f90b 4e00036b00000000e551360c 4e00036b00000000e551360c
            4e00036b00000000e548f90b
            """),
        ItemFixture(
            Key(ObjectID(298), .extentData, 0), in: .treeLog,
            "0900000000000000 0300000000000000 00 00 0000 00 6e6577"),
        ItemFixture(
            Key(ObjectID(257), .extentData, 4096), in: .fileTree,
            """
            0900000000000000 0000020000000000 01 00 0000 01
            0020d00000000000 0010000000000000 0010000000000000 0000010000000000
            """),
        ItemFixture(
            Key(.extentChecksum, .extentChecksum, 13_639_680), in: .checksumTree, "f37252ae 65e241a3"),
    ]

    static let space: [ItemFixture] = [
        ItemFixture(
            Key(ObjectID(13_631_488), .extentItem, 131_072), in: .extentTree,
            """
            0200000000000000 0800000000000000 0100000000000000
            b2 0101000000000000 0101000000000000 0000000000000000 01000000
            b2 0001000000000000 0101000000000000 0000000000000000 01000000
            """),
        ItemFixture(
            Key(ObjectID(1_064_960), .extentItem, 16384), in: .extentTree,
            """
            0200000000000000 0100000000000000 0200000000000000 0000000000000000000000000000000000 00
            b0 0500000000000000 b6 0040d40100000000
            """),
        ItemFixture(
            Key(ObjectID(30_670_848), .metadataItem, 0), in: .extentTree,
            """
            0200000000000000 0800000000000000 0200000000000000 b0 0001000000000000 b0 0500000000000000
            """),
        ItemFixture(
            Key(ObjectID(13_635_584), .extentItem, 4096), in: .extentTree,
            """
            0500000000000000 0800000000000000 0100000000000000
            ac 0501000000000000
            b2 0501000000000000 0101000000000000 00f0ffffffffffff 02000000
            b8 0040d40100000000 03000000
            """),
        ItemFixture(
            Key(ObjectID(13_635_584), .extentDataRef, 1_007_496_934_299_979_412), in: .extentTree,
            "0500000000000000 2c01000000000000 00f0ffffffffffff 07000000"),
        ItemFixture(
            Key(ObjectID(13_635_584), .sharedDataRef, 30_670_848), in: .extentTree, "03000000"),
        ItemFixture(Key(ObjectID(13_635_584), .sharedBlockRef, 30_670_848), in: .extentTree, ""),
        ItemFixture(
            Key(ObjectID(1_048_576), .blockGroupItem, 4_194_304), in: .extentTree,
            "0080000000000000 0001000000000000 0200000000000000"),
        ItemFixture(
            Key(ObjectID(1_048_576), .freeSpaceInfo, 4_194_304), in: .freeSpaceTree, "03000000 00000000"),
        ItemFixture(Key(ObjectID(1_048_576), .freeSpaceExtent, 16384), in: .freeSpaceTree, ""),
        ItemFixture(Key(ObjectID(1_048_576), .freeSpaceBitmap, 65536), in: .freeSpaceTree, "2449"),
    ]

    static let trees: [ItemFixture] = [
        ItemFixture(
            Key(ObjectID(1), .deviceExtent, 1_048_576), in: .deviceTree,
            """
            0300000000000000 0001000000000000 0000100000000000 0000400000000000
            3775cca3496146fb8ff14fbc544003f1
            """),
        ItemFixture(
            Key(ObjectID(1), .deviceItem, 1), in: .chunkTree,
            """
            0100000000000000 0000000800000000 0000400600000000 00100000 00100000 00100000
            0000000000000000 0000000000000000 0000000000000000 00000000 00 00
            940d1b5db057443cbaf6db28b6bc189d 85c52afd67c25285b649a7f315194af4
            """),
        ItemFixture(
            Key(ObjectID(256), .chunkItem, 22_020_096), in: .chunkTree,
            """
            0000000100000000 0200000000000000 0000010000000000 4200000000000000
            00000100 00000100 00100000 0400 0200
            0100000000000000 0000500100000000 1353b128ad9b424c8c53a8735158b49c
            0200000000000000 0000100000000000 c52449f4194749cfb78a2d771e7a4191
            0300000000000000 0000100000000000 81d42ae5f800431389be415d3d38ee09
            0400000000000000 0000100000000000 f543b44ddc154f8483b6377eb18c8d4b
            """),
        ItemFixture(
            Key(ObjectID(0), .qgroupStatus, 0), in: .quotaTree,
            "0100000000000000 0c00000000000000 0900000000000000 0000000000000000 0900000000000000"),
        ItemFixture(
            Key(ObjectID(0), .qgroupInfo, 5), in: .quotaTree,
            "0b00000000000000 0020070000000000 0020070000000000 0020070000000000 0020070000000000"),
        ItemFixture(
            Key(ObjectID(0), .qgroupLimit, 5), in: .quotaTree,
            "0100000000000000 0000000100000000 0000000000000000 0000000000000000 0000000000000000"),
        ItemFixture(
            Key(ObjectID(0x3e49_7646_5ff9_7921), .uuidSubvolume, 12_291_930_278_346_533_028), in: .uuidTree,
            "0500000000000000"),
        ItemFixture(
            Key(ObjectID(0), .persistentItem, 1), in: .deviceTree, String(repeating: "00", count: 40)),
        rootItem,
    ]

    /// The item of the top-level subvolume.
    static let rootItem = ItemFixture(
        Key(.fileTree, .rootItem, 0), in: .rootTree,
        """
        0100000000000000 0000000000000000 0300000000000000 0040000000000000 0000000000000000
        01000000 00000000 00000000 ed410000 0000000000000000 0000008000000000 0000000000000000
        \(String(repeating: "00", count: 80))
        0800000000000000 0001000000000000 0000d40100000000 0000000000000000 0040000000000000
        0700000000000000 0100000000000000 01000000 0000000000000000000000000000000000 00 00
        0800000000000000 0c0e43fe98fa487db3919e724b42fb19
        00000000000000000000000000000000 00000000000000000000000000000000
        0800000000000000 0000000000000000 0000000000000000 0000000000000000
        5c00036b0000000039f9f724 5c00036b0000000000000000
        000000000000000000000000 000000000000000000000000
        \(String(repeating: "00", count: 64))
        """)
}
