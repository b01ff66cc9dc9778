/// Leaves below one node, which another thread reads ahead of their use; the user takes them in any order.
final class LeafReading {
    private let node: TreeBlock
    private let leaves: ExpectedLeaves
    private let work: WorkAhead
    private static var pieceSize: Int { 16 }

    /// - Parameter missing: the slots of the leaves that are to be read, and what is expected there.
    init(below node: TreeBlock, volume: Volume, _ missing: [(slot: Int, BlockExpectation)]) {
        self.node = node
        let leaves = ExpectedLeaves(count: node.count, volume)
        for (slot, expectation) in missing { leaves.add(expectation, slot: slot) }
        self.leaves = leaves
        work = WorkAhead(pieceCount: (node.count + Self.pieceSize - 1) / Self.pieceSize) { piece in
            let first = piece * Self.pieceSize
            for slot in first..<min(first + Self.pieceSize, leaves.count) { leaves.read(slot) }
        }
        work.start()
    }

    /// The leaf below `node` at `slot`; nil where it was not to be read, or could not.
    func take(at slot: Int, of node: TreeBlock) -> TreeBlock? {
        guard node === self.node, slot < leaves.count else { return nil }
        work.need(slot / Self.pieceSize)
        return leaves.take(slot)
    }

    /// Ends the reading. To be called before the last use: the memory of what was not taken goes back to the pool,
    /// which must not happen on the other thread.
    func finish() {
        work.finish()
        for slot in 0..<leaves.count { _ = leaves.take(slot) }
    }
}

/// Leaves that are to be read or were read. A slot is used by one thread at a time.
private final class ExpectedLeaves {
    private let volume: Volume
    private var expected: [BlockExpectation?]
    private let buffers: ReferenceTable<BlockBuffer>
    private let leaves: ReferenceTable<TreeBlock>

    init(count: Int, _ volume: Volume) {
        self.volume = volume
        expected = Array(repeating: nil, count: count)
        buffers = ReferenceTable(count: count, capacity: count)
        leaves = ReferenceTable(count: count, capacity: count)
    }

    var count: Int { expected.count }

    /// The pool serves one thread: so the memory is taken beforehand.
    func add(_ expectation: BlockExpectation, slot: Int) {
        expected[slot] = expectation
        buffers[slot] = BlockBuffer(from: volume.pool)
    }

    func read(_ slot: Int) {
        guard let expectation = expected[slot], let buffer = buffers[slot] else { return }
        do { leaves[slot] = try volume.readBlock(expectation, into: buffer) } catch {
            // Whoever needs the leaf reads it again, and gets the error.
        }
    }

    func take(_ slot: Int) -> TreeBlock? {
        defer {
            leaves[slot] = nil
            buffers[slot] = nil
        }
        return leaves[slot]
    }
}
