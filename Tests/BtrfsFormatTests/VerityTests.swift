import BtrfsFormat
import Testing

/// Hash trees and descriptors of fs-verity, against those that `fsverity digest` of fsverity-utils makes.
@Suite struct VerityTests {
    /// A row of bytes that repeats itself after 64 KiB.
    static func content(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 % 65536 * 7 + $0 % 65536 / 256) }
    }

    static let digests = [
        (0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"),
        (1, "b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551"),
        (4096, "dba6800c0bddc2369f4f0ab54798f65f5a8c1f49adc4a4792a831ff4b093e2d7"),
        (4097, "fefe00b4a113721b31dbc100ba46ff68ba3c9ca6dc62c6a3c1e71db190c68f9f"),
        (524_288, "eaae8cbd17127f6514707a04477de56880466f212f12d13c4397e929b54d8f5a"),
        (524_289, "0e3b4b2d25eb9005be08661772bd35783c1fba25ba74e6a63693f072dad036ce"),
    ]

    @Test(arguments: digests) func digestIsThatOfFsverity(count: Int, digest: String) throws {
        let content = Self.content(count)
        var tree = VerityTree()
        // In two parts, as large files come.
        let first = min(count, 8192)
        tree.add(Array(content[..<first]))
        if first < count { tree.add(Array(content[first...])) }
        let (blocks, descriptor) = tree.finish()
        let measured = try #require(descriptor.digest)
        #expect(EscapedBytes.hexadecimal(measured) == digest)
        #expect(descriptor.treeByteCount == UInt64(blocks.count))
        let encoded = descriptor.encoded
        #expect(encoded.count == 256 && descriptor.dataSize == UInt64(count))
        #expect(try VerityDescriptor(encoded.rawSpan) == descriptor)
        #expect(throws: FormatError.self) { try VerityDescriptor(encoded.rawSpan.extracting(0..<255)) }
    }

    /// The highest level comes first.
    @Test func levelsStandAsFsverityPutsThem() {
        var tree = VerityTree()
        tree.add(Self.content(524_289))
        let blocks = tree.finish().blocks
        let sum = ChecksumType.sha256.compute(blocks.rawSpan)
        #expect(blocks.count == 3 * VerityTree.blockSize)
        #expect(EscapedBytes.hexadecimal(sum) == "f4e59a045429769772d1ac9db997f2e8a1e479be267791919b120c101da2567e")
    }

    @Test func sizesOfTrees() {
        var descriptor = VerityDescriptor(dataSize: .max, rootHash: [])
        #expect(descriptor.treeByteCount != nil)
        descriptor.dataSize = 4096 * 64 + 1
        descriptor.algorithm = 2
        #expect(descriptor.treeByteCount == 3 * 4096 && descriptor.digest == nil)
        descriptor.algorithm = 3
        #expect(descriptor.treeByteCount == nil)
    }

    @Test func headerIsDecodedAndDescribed() throws {
        let header = VerityHeader(size: 256)
        let bytes = header.encoded
        #expect(bytes.count == 25)
        #expect(try VerityHeader(bytes.rawSpan) == header)
        func lines(_ offset: UInt64, _ data: [UInt8]) -> [String] {
            ItemDescription.describe(key: Key(ObjectID(257), .verityDescriptor, offset), data: data.rawSpan).lines
        }
        #expect(lines(0, bytes) == ["size 256 encryption 0"])
        let descriptor = VerityDescriptor(dataSize: 7, rootHash: [1]).encoded
        #expect(lines(1, descriptor).first?.contains("hash_algorithm SHA256") == true)
    }
}
