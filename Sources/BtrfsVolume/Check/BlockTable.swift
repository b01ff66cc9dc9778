internal import BtrfsFormat

/// All tree blocks that the extent tree lists, by ascending address.
struct BlockTable {
    struct Record {
        var address: UInt64
        var generation: Generation
        var level: UInt8
        /// Whether what is below refers to the block by its address.
        var isFullBackref: Bool
        var isVisited = false
        /// The first tree that refers to the block; nil where only shared nodes do.
        var tree: ObjectID?
    }

    private var records: [Record] = []
    /// The other trees that refer to blocks, by the address of the block.
    private var otherTrees: [UInt64: [ObjectID]] = [:]
    /// Blocks that a tree has and the extent tree has not.
    private var unlisted: Set<UInt64> = []

    var count: Int { records.count }

    mutating func append(_ record: Record) { records.append(record) }

    /// Notes that a tree refers to the block that was appended last.
    mutating func noteReference(by tree: ObjectID, to address: UInt64) {
        guard let last = records.indices.last, records[last].address == address else { return }
        if records[last].tree == nil {
            records[last].tree = tree
        } else {
            otherTrees[address, default: []].append(tree)
        }
    }

    /// Whether the extent tree lists a reference by a tree to the block.
    func hasReference(by tree: ObjectID, to record: Record) -> Bool {
        record.tree == tree || otherTrees[record.address]?.contains(tree) == true
    }

    /// The extent tree has its blocks in order, unless it is damaged.
    mutating func finish() {
        for index in records.indices.dropFirst() where records[index - 1].address > records[index].address {
            return records.sort { $0.address < $1.address }
        }
    }

    /// Forgets which blocks were visited.
    mutating func reset() {
        for index in records.indices { records[index].isVisited = false }
        unlisted.removeAll()
    }

    /// Notes that a tree has the block.
    ///
    /// - Returns: whether it is the first one, and what the extent tree says of the block if it knows it.
    mutating func visit(_ address: UInt64) -> (isFirst: Bool, record: Record?) {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low &+ high) / 2
            if records[middle].address < address { low = middle &+ 1 } else { high = middle }
        }
        guard low < records.count, records[low].address == address else {
            return (unlisted.insert(address).inserted, nil)
        }
        let isFirst = !records[low].isVisited
        records[low].isVisited = true
        return (isFirst, records[low])
    }
}
