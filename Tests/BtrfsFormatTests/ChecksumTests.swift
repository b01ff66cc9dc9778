import BtrfsFormat
import Testing

/// Checksums and hashes give what other programs compute.
@Suite struct ChecksumTests {
    @Test func crc32c() {
        #expect(ChecksumType.crc32c.compute(Array("123456789".utf8).rawSpan) == bytes("839206e3"))
        #expect(ChecksumType.crc32c.compute([UInt8]().rawSpan) == bytes("00000000"))
        #expect(ChecksumType.crc32c.compute(ramp.rawSpan) == bytes("32fe719c"))
        #expect(ChecksumType.crc32c.size == 4)
    }

    @Test func xxhash64() {
        #expect(ChecksumType.xxhash64.compute([UInt8]().rawSpan) == bytes("99e9d85137db46ef"))
        #expect(ChecksumType.xxhash64.compute(Array("abc".utf8).rawSpan) == bytes("990977adf52cbc44"))
        #expect(ChecksumType.xxhash64.compute(ramp.rawSpan) == bytes("a4f66a18be646e0f"))
    }

    @Test func sha256() {
        #expect(
            ChecksumType.sha256.compute(Array("abc".utf8).rawSpan)
                == bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
        #expect(
            ChecksumType.sha256.compute(ramp.rawSpan)
                == bytes("c8f5d0341d54d951a71b136e6e2afcb14d11ed8489a7ae126a8fee0df6ecf193"))
    }

    @Test func blake2b() {
        #expect(
            ChecksumType.blake2b.compute([UInt8]().rawSpan)
                == bytes("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"))
        #expect(
            ChecksumType.blake2b.compute(Array("abc".utf8).rawSpan)
                == bytes("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"))
        #expect(
            ChecksumType.blake2b.compute(ramp.rawSpan)
                == bytes("81baab4ea5d75a0aa53b8780ae5dbd7c8dac7f07e7c103644399492bb9ea6f87"))
    }

    @Test(arguments: ChecksumType.allCases)
    func matchesOnlyTheRightBytes(_ type: ChecksumType) {
        let stored = type.compute(ramp.rawSpan) + [1, 2, 3]
        #expect(matches(type, ramp, stored))
        var changed = ramp
        changed[4095] ^= 1
        #expect(!matches(type, changed, stored))
        #expect(!matches(type, ramp, Array(stored.prefix(type.size - 1))))
        for index in 0..<type.size {
            var wrong = stored
            wrong[index] ^= 0x80
            #expect(!matches(type, ramp, wrong))
        }
    }

    @Test func storesAtAnOffset() {
        let stored = [UInt8](byteCount: 8) { (target: inout MutableRawSpan) in
            ChecksumType.crc32c.compute(Array("123456789".utf8).rawSpan, into: &target, at: 3)
        }
        #expect(stored == bytes("000000 839206e3 00"))
    }

    private func matches(_ type: ChecksumType, _ data: [UInt8], _ stored: [UInt8]) -> Bool {
        type.matches(data.rawSpan, stored: stored.rawSpan)
    }

    private let ramp = (0..<4096).map { UInt8($0 & 255) }
}

/// The hashes by which items are found, as they stand in the keys of real volumes.
@Suite struct NameHashTests {
    @Test(arguments: [
        ("default", 2_378_154_706), ("a", 3_427_024_844), ("d", 4_189_400_016),
        ("system.posix_acl_access", 2_038_346_239), ("system.posix_acl_default", 367_492_571),
        ("zy4n23lz", 3_106_232_810), ("l4ilde3r", 3_106_232_810),
    ])
    func nameHash(_ name: String, _ hash: UInt32) {
        #expect(NameHash.name(Array(name.utf8).rawSpan) == hash)
    }

    @Test func extrefHash() {
        let name = Array("link-with-a-rather-long-name-00755".utf8)
        #expect(NameHash.extref(parent: ObjectID(257), name.rawSpan) == 3_451_520)
        // Only the low half of the directory's number counts.
        #expect(NameHash.extref(parent: ObjectID(1 << 32 | 257), name.rawSpan) == 3_451_520)
    }

    @Test(
        arguments: [
            (5, 257, 0, 1_007_496_934_145_758_698), (256, 257, 0, 1_002_667_599_903_692_266),
            (257, 257, 0, 2_987_028_177_400_731_114), (5, 300, 0 &- 4096, 1_007_496_934_299_979_412),
        ] as [(UInt64, UInt64, UInt64, UInt64)])
    func extentDataRefHash(_ root: UInt64, _ inode: UInt64, _ offset: UInt64, _ hash: UInt64) {
        #expect(ExtentDataRef.hash(root: ObjectID(root), objectID: ObjectID(inode), offset: offset) == hash)
    }
}
