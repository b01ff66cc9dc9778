package import BtrfsFormat

/// The blocks of the logs of one transaction.
///
/// They lie in free space of the metadata block groups, and are no part of the extent tree, the free space tree or the
/// counts of used bytes: after a crash that space is free again as soon as the log is replayed. A block that was
/// written is not changed in place any more, so that a log stays whole while the next one is made and written. What it
/// replaces is the place for blocks of the one after it, which is written only when this one is durable on all devices,
/// or never. So logs stay in the same few places for as long as they do not grow: Linux takes new ones until the
/// commit, which costs space, pages of memory, and for an image file blocks of that file.
package final class LogBlocks: BlockSource {
    private let transaction: Transaction
    /// The blocks that are not on the devices yet.
    private var unwritten: [UInt64: TreeBlock] = [:]
    /// Where blocks were that are no part of the logs any more as they are now in memory.
    private var replaced: [LogicalAddress] = []
    /// Where no block is of the logs as they were last taken to be written, nor as they are now.
    private var places: [LogicalAddress] = []
    /// How many blocks may still be taken before room is looked for again.
    private var budget = 0

    /// No blocks yet, for the logs of the running transaction.
    package init(of transaction: Transaction) { self.transaction = transaction }

    package var generation: Generation { transaction.generation }

    /// An empty log, or tree of logs.
    package func makeTree() throws(VolumeError) -> Tree {
        let root = try newBlock(level: 0)
        return Tree(
            id: .treeLog, volume: transaction.volume, source: self, root: root, owners: .any,
            cachedByteLimit: 64 << 20)
    }

    /// What the log takes must not be what the commit needs.
    private func makeHeader(level: Int) throws(VolumeError) -> BlockHeader {
        if let place = places.popLast() { return transaction.makeHeader(at: place, owner: .treeLog, level: level) }
        if budget == 0 {
            budget = 16
            try transaction.reserveMetadata(blocks: budget)
        }
        budget -= 1
        return try transaction.makeHeader(owner: .treeLog, level: level)
    }

    private func newBlock(level: Int) throws(VolumeError) -> TreeBlock {
        let header = try makeHeader(level: level)
        let block = TreeBlock(
            new: header.address, level: level, buffer: BlockBuffer(from: transaction.volume.pool), header: header)
        unwritten[header.address.rawValue] = block
        return block
    }

    func newBlock(of tree: Tree, level: Int) throws(VolumeError) -> TreeBlock { try newBlock(level: level) }

    func copyOnWrite(_ block: TreeBlock, of tree: Tree, mayBeShared: Bool) throws(VolumeError) -> TreeBlock {
        let header = try makeHeader(level: block.level)
        let copy = block.copied(to: header.address, header: header, pool: transaction.volume.pool)
        unwritten[header.address.rawValue] = copy
        replaced.append(block.address)
        return copy
    }

    func free(_ block: TreeBlock, of tree: Tree) {
        unwritten[block.address.rawValue] = nil
        replaced.append(block.address)
    }

    /// The blocks that have to be written, by address. From now on they are not changed in place; those that are taken
    /// the next time must not be written before these are durable.
    package func takeUnwritten() -> [BlockWrite] {
        let blocks = unwritten.values.sorted { $0.address < $1.address }
        unwritten = [:]
        places += replaced
        replaced = []
        return blocks.map { block in
            block.seal(transaction.volume.checksumType)
            block.markWritten()
            return BlockWrite(address: block.address, bytes: block.bytes.copied)
        }
    }
}

/// Bytes that are to be written to a place.
package struct BlockWrite: Sendable {
    package var address: LogicalAddress
    package var bytes: [UInt8]
}
