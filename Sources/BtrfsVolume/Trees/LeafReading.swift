internal import Dispatch
internal import Synchronization

/// Leaves below one node, which another thread reads ahead of their use.
///
/// They are read in pieces. The user of the leaves takes them in any order; a piece that nobody has begun it reads
/// itself, and one that the other thread has begun it waits for. All but `readAhead` is for the user's thread.
final class LeafReading: @unchecked Sendable {
    private let volume: Volume
    private let node: TreeBlock
    /// What is to be read, by the slot in the node.
    private var expected: [BlockExpectation?]
    private let buffers: ReferenceTable<BlockBuffer>
    private let leaves: ReferenceTable<TreeBlock>
    /// Which pieces somebody reads or has read: who sets the mark reads the piece.
    private let begun: Mutex<[Bool]>
    private let done: [DispatchSemaphore]
    /// The pieces that the user has read or waited for.
    private var isHere: [Bool]
    private static var pieceSize: Int { 16 }

    init(below node: TreeBlock, volume: Volume) {
        self.node = node
        self.volume = volume
        expected = Array(repeating: nil, count: node.count)
        buffers = ReferenceTable(count: node.count, capacity: node.count)
        leaves = ReferenceTable(count: node.count, capacity: node.count)
        let pieceCount = (node.count + Self.pieceSize - 1) / Self.pieceSize
        begun = Mutex(Array(repeating: false, count: pieceCount))
        done = (0..<pieceCount).map { _ in DispatchSemaphore(value: 0) }
        isHere = Array(repeating: false, count: pieceCount)
    }

    /// Adds a leaf; only before `start`.
    func add(_ expectation: BlockExpectation, slot: Int) {
        expected[slot] = expectation
        // The pool serves one thread.
        buffers[slot] = BlockBuffer(from: volume.pool)
    }

    /// Begins to read.
    func start() { DispatchQueue.global().async { self.readAhead() } }

    private func readAhead() {
        for piece in done.indices where begin(piece) {
            read(piece)
            done[piece].signal()
        }
    }

    private func begin(_ piece: Int) -> Bool {
        begun.withLock { begun in
            defer { begun[piece] = true }
            return !begun[piece]
        }
    }

    private func read(_ piece: Int) {
        let first = piece * Self.pieceSize
        for slot in first..<min(first + Self.pieceSize, expected.count) {
            guard let expectation = expected[slot], let buffer = buffers[slot] else { continue }
            do { leaves[slot] = try volume.readBlock(expectation, into: buffer) } catch {
                // Whoever needs the leaf reads it again, and gets the error.
            }
        }
    }

    /// The leaf below `node` at `slot`; nil where it was not to be read, or could not.
    func take(at slot: Int, of node: TreeBlock) -> TreeBlock? {
        guard node === self.node, slot < leaves.count else { return nil }
        let piece = slot / Self.pieceSize
        if !isHere[piece] {
            if begin(piece) { read(piece) } else { done[piece].wait() }
            isHere[piece] = true
        }
        defer { forget(slot) }
        return leaves[slot]
    }

    private func forget(_ slot: Int) {
        leaves[slot] = nil
        buffers[slot] = nil
    }

    /// Ends the reading. To be called before the last use: the memory of what was not taken goes back to the pool,
    /// which must not happen on the other thread.
    func finish() {
        for piece in done.indices where !isHere[piece] {
            if !begin(piece) { done[piece].wait() }
            isHere[piece] = true
        }
        for slot in 0..<leaves.count { forget(slot) }
    }
}
