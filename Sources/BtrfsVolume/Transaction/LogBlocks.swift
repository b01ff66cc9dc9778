package import BtrfsFormat

/// The blocks of the logs of one transaction.
///
/// They lie in free space of the metadata block groups, and are no part of the extent tree, the free space tree or the
/// counts of used bytes: after a crash that space is free again as soon as the log is replayed. A block that was
/// written is not changed in place any more, so that a log stays whole while the next one is made and written. What it
/// replaces is the place for blocks of the one after it, which is written only when this one is durable on all devices,
/// or never. So logs stay in the same few places for as long as they do not grow: Linux takes new ones until the
/// commit, which costs space, pages of memory, and for an image file blocks of that file. And of a block that comes to
/// where an earlier version of it was only the sectors are written in which the two differ.
package final class LogBlocks: BlockSource {
    private let transaction: Transaction
    /// The blocks that are not on the devices yet, and what is on the devices in their places.
    private var unwritten: [UInt64: (block: TreeBlock, place: LogBlockPlace)] = [:]
    /// Where blocks were that are no part of the logs any more as they are now in memory.
    private var replaced: [LogBlockPlace] = []
    /// Where no block is of the logs as they were last taken to be written, nor as they are now.
    private var places = LogBlockPlaces()
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

    /// A place for a block, or for the next version of `block`.
    ///
    /// What the log takes must not be what the commit needs.
    private func takePlace(for block: TreeBlock? = nil) throws(VolumeError) -> LogBlockPlace {
        if let place = places.take(for: block) { return place }
        if budget == 0 {
            budget = 16
            try transaction.reserveMetadata(blocks: budget)
        }
        budget -= 1
        return LogBlockPlace(address: try transaction.allocator.allocate())
    }

    private func newBlock(level: Int) throws(VolumeError) -> TreeBlock {
        let place = try takePlace()
        let header = transaction.makeHeader(at: place.address, owner: .treeLog, level: level)
        let block = TreeBlock(
            new: place.address, level: level, buffer: BlockBuffer(from: transaction.volume.pool), header: header)
        unwritten[place.address.rawValue] = (block, place)
        return block
    }

    func newBlock(of tree: Tree, level: Int) throws(VolumeError) -> TreeBlock { try newBlock(level: level) }

    func copyOnWrite(_ block: TreeBlock, of tree: Tree, mayBeShared: Bool) throws(VolumeError) -> TreeBlock {
        let place = try takePlace(for: block)
        let header = transaction.makeHeader(at: place.address, owner: .treeLog, level: block.level)
        let copy = block.copied(to: place.address, header: header, pool: transaction.volume.pool, takesChildren: true)
        unwritten[place.address.rawValue] = (copy, place)
        replaced.append(LogBlockPlace(of: block))
        return copy
    }

    func free(_ block: TreeBlock, of tree: Tree) {
        replaced.append(unwritten.removeValue(forKey: block.address.rawValue)?.place ?? LogBlockPlace(of: block))
    }

    /// What has to be written, by address. From now on these blocks are not changed in place; those that are taken the
    /// next time must not be written before these are durable, nor at all if these could not be written.
    package func takeUnwritten() -> [BlockWrite] {
        let taken = unwritten.values.sorted { $0.place.address < $1.place.address }
        unwritten = [:]
        places.add(replaced)
        replaced = []
        var writes: [BlockWrite] = []
        for (block, place) in taken {
            block.seal(transaction.volume.checksumType)
            block.markWritten()
            place.addWrites(of: block.bytes, sectorSize: transaction.volume.sectorSize, to: &writes)
        }
        return writes
    }
}
