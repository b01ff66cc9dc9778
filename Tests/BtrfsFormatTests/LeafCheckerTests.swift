import BtrfsFormat
import TestSupport
import Testing

/// A leaf is accepted if and only if its headers fit, its keys ascend, its data is packed from the end, and
/// each item is valid.
@Suite struct LeafCheckerTests {
    private var leaf: LeafBuilder {
        var inode = InodeItem(generation: 3, mode: 0o040755, time: .zero)
        inode.size = 4
        let name = Array("a".utf8)
        let location = Key(ObjectID(257), .inodeItem, 0)
        let entry = DirEntries.entry(location: location, transid: 8, type: .regularFile, name: name.rawSpan)
        return LeafBuilder(items: [
            (Key(.firstFree, .inodeItem, 0), inode.encoded),
            (Key(.firstFree, .dirItem, UInt64(NameHash.name(name.rawSpan))), entry),
            (Key(.firstFree, .dirIndex, 2), entry),
        ])
    }

    private func refusal(of block: [UInt8], _ context: CheckContext) -> FormatError? {
        do {
            try LeafChecker.check(block.rawSpan, context)
            return nil
        } catch { return error }
    }

    private func expectRefusal(
        slot: Int? = nil, _ reason: String, of leaf: LeafBuilder, _ change: (inout [UInt8]) -> Void = { _ in }
    ) {
        var block = leaf.block
        change(&block)
        let error = refusal(of: block, leaf.context)
        #expect(error?.slot == slot)
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "accepted")")
    }

    @Test func validLeaf() {
        #expect(refusal(of: leaf.block, leaf.context) == nil)
    }

    @Test func structure() {
        let count = BlockHeader.itemCountOffset
        expectRefusal("160 items in a leaf that has room for 159", of: leaf) { $0[count] = 160 }
        expectRefusal("4294967295 items", of: leaf) {
            $0.replaceSubrange(count..<count + 4, with: bytes("ffffffff"))
        }
        expectRefusal(slot: 2, "does not follow", of: leaf) { $0[LeafView.headerOffset(2) + 8] = 84 }
        // The first item must end with the block.
        expectRefusal(slot: 0, "must end at 4096", of: leaf) {
            $0[LeafView.headerOffset(0) + LeafView.dataOffsetOffset] -= 1
        }
        expectRefusal(slot: 1, "must end at 3936", of: leaf) {
            $0[LeafView.headerOffset(1) + LeafView.dataSizeOffset] += 1
        }
        expectRefusal(slot: 1, "must end at", of: leaf) { block in
            let offset = LeafView.headerOffset(1) + LeafView.dataOffsetOffset
            block.replaceSubrange(offset..<offset + 8, with: bytes("ffffffff ffffffff"))
        }
    }

    @Test func dataMustNotReachTheHeaders() {
        var full = LeafBuilder(owner: .uuidTree)
        let room = full.nodeSize - LeafView.headerOffset(1)
        full.items = [(Key(ObjectID(1), KeyType(97), 0), [UInt8](repeating: 1, count: room))]
        #expect(refusal(of: full.block, full.context) == nil)
        full.items[0].data.append(1)
        expectRefusal(slot: 0, "not start before 126", of: full)
    }

    @Test func emptyLeaves() {
        for owner in [ObjectID.treeLog, .checksumTree, .uuidTree, .quotaTree, ObjectID(256)] {
            let empty = LeafBuilder(owner: owner)
            #expect(refusal(of: empty.block, empty.context) == nil)
        }
        for owner in [
            ObjectID.rootTree, .extentTree, .chunkTree, .deviceTree, .fileTree, .dataRelocationTree,
        ] {
            expectRefusal("has no items", of: LeafBuilder(owner: owner))
        }
    }

    @Test func otherSizesThanOneBlock() {
        let block = leaf.block
        var context = leaf.context
        context.nodeSize = 16384
        #expect(refusal(of: block, context) != nil)
        context.nodeSize = 0
        #expect(refusal(of: [], context) != nil)
    }

    @Test func damagedItemsAreListed() throws {
        var leaf = leaf
        leaf.items[0].data[52] = 0
        leaf.items[0].data[53] = 0
        leaf.items[2].data[29] = 9
        let block = leaf.block
        try LeafChecker.checkStructure(block.rawSpan, leaf.context)
        let damaged = try LeafChecker.damagedItems(in: block.rawSpan, leaf.context)
        #expect(damaged.map(\.slot) == [0, 2])
        #expect(damaged[0].error.key == leaf.items[0].key)
        expectRefusal(slot: 0, "no valid file type", of: leaf)
    }

    @Test(arguments: [UInt64(1), .random(in: 0...UInt64.max)])
    func damageNeverTraps(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let leaf = leaf
        let original = leaf.block
        let headers = BlockHeader.itemCountOffset..<LeafView.headerOffset(3)
        for _ in 0..<2000 {
            var block = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(
                    in: Bool.random(using: &generator) ? headers : block.indices, using: &generator)
                block[index] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = refusal(of: block, leaf.context)
            do { _ = try LeafChecker.damagedItems(in: block.rawSpan, leaf.context) } catch {}
            do { try NodeChecker.check(block.rawSpan, leaf.context) } catch {}
        }
    }
}

/// A node is accepted if and only if it has pointers, their keys ascend, and each leads to a block.
@Suite struct NodeCheckerTests {
    private func node(_ pointers: [(Key, UInt64)], level: UInt8 = 1) -> [UInt8] {
        [UInt8](byteCount: 4096) { (block: inout MutableRawSpan) in
            let header = BlockHeader(
                fsid: UUID(low: 1, high: 2), address: LogicalAddress(65536),
                chunkTreeUUID: UUID(low: 3, high: 4),
                generation: 12, owner: .fileTree, itemCount: pointers.count, level: level)
            header.store(in: &block)
            for (slot, pointer) in pointers.enumerated() {
                let offset = NodeView.pointerOffset(slot)
                pointer.0.store(in: &block, at: offset)
                block.store(pointer.1, at: offset + NodeView.addressOffset)
                block.store(UInt64(12), at: offset + NodeView.generationOffset)
            }
        }
    }

    private func refusal(of block: [UInt8]) -> String? {
        do {
            try NodeChecker.check(block.rawSpan, LeafBuilder().context)
            return nil
        } catch { return error.description }
    }

    private func key(_ number: UInt64) -> Key { Key(ObjectID(number), .inodeItem, 0) }

    @Test func rules() {
        let good = [(key(256), UInt64(8192)), (key(300), UInt64(4096))]
        #expect(refusal(of: node(good)) == nil)
        #expect(refusal(of: node(good, level: 7)) == nil)
        #expect(refusal(of: node(good, level: 8))?.contains("level 8") == true)
        #expect(refusal(of: node(good, level: 0))?.contains("level 0") == true)
        #expect(refusal(of: node([]))?.contains("0 pointers") == true)
        #expect(refusal(of: node([good[1], good[0]]))?.contains("slot 1") == true)
        #expect(refusal(of: node([good[0], good[0]]))?.contains("does not follow") == true)
        #expect(refusal(of: node([(key(256), 0)]))?.contains("pointer is 0") == true)
        #expect(refusal(of: node([(key(256), 4097)]))?.contains("pointer is 4097") == true)
        let many = (0..<121).map { (key(256 + UInt64($0)), UInt64(4096)) }
        #expect(refusal(of: node(many)) == nil)
        var over = node(many)
        over[BlockHeader.itemCountOffset] = 122
        #expect(refusal(of: over)?.contains("122 pointers") == true)
        #expect(refusal(of: Array(node(good).dropLast())) != nil)
    }
}
