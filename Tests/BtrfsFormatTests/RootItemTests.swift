import BtrfsFormat
import Testing

/// A root item keeps what it does not know, and a tail written by nobody is not believed.
@Suite struct RootItemTests {
    private let data = ItemFixture.rootItem.data

    @Test func values() throws {
        let root = try RootItem(data.rawSpan)
        #expect(!root.isLegacy && root.hasValidTail)
        #expect(root.generation == 8 && root.generationV2 == 8)
        #expect(root.rootDirID == .firstFree)
        #expect(root.address == LogicalAddress(30_670_848))
        #expect(root.bytesUsed == 16384)
        #expect(root.lastSnapshot == 7)
        #expect(root.flags == .readOnly)
        #expect(root.refs == 1)
        #expect(root.level == 0)
        #expect(root.uuid.description == "0c0e43fe-98fa-487d-b391-9e724b42fb19")
        #expect(root.ctransid == 8)
        #expect(root.ctime == Timestamp(seconds: 1_795_358_812, nanoseconds: 620_230_969))
        #expect(root.inode.isDirectory && root.inode.flags == .rootItemInitialized)
        #expect(root.encoded == data)
    }

    @Test func movingChangesFourFieldsOnly() throws {
        var root = try RootItem(data.rawSpan)
        root.move(to: LogicalAddress(65536), level: 1, generation: 9)
        var expected = data
        expected.replaceSubrange(160..<168, with: bytes("0900000000000000"))
        expected.replaceSubrange(176..<184, with: bytes("0000010000000000"))
        expected[238] = 1
        expected.replaceSubrange(239..<247, with: bytes("0900000000000000"))
        #expect(root.encoded == expected)
    }

    @Test func legacyItemsGrowWhenTheyMove() throws {
        let legacy = Array(data.prefix(RootItem.legacyByteCount))
        var root = try RootItem(legacy.rawSpan)
        #expect(root.isLegacy && !root.hasValidTail)
        #expect(root.generationV2 == 0 && root.uuid.isZero && root.ctransid == 0)
        #expect(root.encoded.count == 239)
        root.refs = 2
        #expect(root.encoded.count == 239)
        root.move(to: LogicalAddress(65536), level: 0, generation: 9)
        #expect(root.encoded.count == 439)
        #expect(root.hasValidTail && root.generationV2 == 9 && root.uuid.isZero)
    }

    @Test func staleTailsReadAsZeroAndAreCleared() throws {
        var stale = data
        stale[160] = 9
        var root = try RootItem(stale.rawSpan)
        #expect(!root.hasValidTail && root.uuid.isZero && root.ctime == .zero)
        #expect(root.encoded == stale)
        root.ctransid = 9
        #expect(root.hasValidTail && root.uuid.isZero && root.ctransid == 9)
        #expect(Array(root.encoded[247..<295]).allSatisfy { $0 == 0 })
    }

    @Test func unknownBytesSurvive() throws {
        var odd = data
        odd[400] = 0xAB
        var root = try RootItem(odd.rawSpan)
        root.move(to: LogicalAddress(4096), level: 2, generation: 10)
        root.inode = InodeItem(generation: 3, mode: 0o040755, time: .zero)
        #expect(root.encoded[400] == 0xAB)
        #expect(root.inode.generation == 3)
    }

    @Test(arguments: [0, 1, 160, 238, 240, 438, 440])
    func otherSizesAreRefused(_ count: Int) {
        let bytes = Array((data + data).prefix(count))
        #expect(throws: FormatError.self) { try RootItem(bytes.rawSpan) }
    }

    @Test func newItems() throws {
        let root = RootItem(address: LogicalAddress(65536), level: 1, generation: 7)
        #expect(root.hasValidTail && root.refs == 1 && root.generationV2 == 7)
        let encoded = root.encoded
        #expect(try RootItem(encoded.rawSpan) == root)
    }
}
