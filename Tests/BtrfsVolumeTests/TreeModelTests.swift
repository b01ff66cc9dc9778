import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing

/// A tree must behave like a sorted map, whatever is done to it, and its blocks must stay well formed.
@Suite struct TreeModelTests {
    /// Random insertions, replacements and removals against a dictionary, in a subvolume tree of a real volume.
    @Test(arguments: ["create_fsync", "mix_a.n4096", "mix_a.n65536"], [1 as UInt64, 2, 3])
    func randomChangesMatchAModel(image: String, seed: UInt64) throws {
        let volume = try Volume(opening: try Corpus.image(named: image).load())
        let transaction = try Transaction(on: volume)
        let tree = try #require(try transaction.tree(.fileTree))
        var random = SeededGenerator(seed: seed)
        var model: [Key: [UInt8]] = [:]
        let limit = volume.nodeSize - 126
        for step in 0..<6000 {
            let key = Key(ObjectID(UInt64.random(in: 5000..<5040, using: &random)), KeyType(108),
                UInt64.random(in: 0..<64, using: &random))
            switch Int.random(in: 0..<(step < 3500 ? 5 : 10), using: &random) {
            case 0...3:
                let size =
                    switch Int.random(in: 0..<10, using: &random) {
                    case 0: Int.random(in: 0...limit, using: &random)
                    case 1: 0
                    default: Int.random(in: 0..<300, using: &random)
                    }
                let data = random.bytes(size)
                if model[key] == nil, Bool.random(using: &random) {
                    try tree.insert(key, data.rawSpan)
                } else {
                    try tree.put(key, data.rawSpan)
                }
                model[key] = data
            default:
                let existed = try tree.remove(key)
                #expect(existed == (model.removeValue(forKey: key) != nil), "seed \(seed) step \(step)")
            }
        }
        try expectSame(tree, model, "seed \(seed)")
        for key in model.keys.shuffled(using: &random) { try #require(try tree.remove(key)) }
        try expectSame(tree, [:], "seed \(seed)")
        try transaction.settle()
    }

    /// A node splits on the way to the last leaf of its first half: what follows belongs into the other half.
    @Test func splitOfANodeEndsWhatTheLeafBeforeItTakes() throws {
        let volume = try Volume(opening: try Corpus.image(named: "mix_a.n4096").load())
        for place in UInt64(45)..<65 {
            let transaction = try Transaction(on: volume)
            let tree = try #require(try transaction.tree(.fileTree))
            var model: [Key: [UInt8]] = [:]
            func put(_ offset: UInt64, _ size: Int) throws {
                let key = Key(ObjectID(5000), KeyType(108), offset)
                model[key] = [UInt8](repeating: UInt8(offset & 0xff), count: size)
                try tree.put(key, [UInt8](repeating: UInt8(offset & 0xff), count: size).rawSpan)
            }
            // Each of these is alone in its leaf. In ascending order they fill a node, but for one.
            for index in 0..<130 as Range<UInt64> { try put(index * 100, 3000) }
            try put(150, 3000)
            try put(place * 100 + 50, 10)
            try put(place * 100 + 150, 10)
            try expectSame(tree, model, "place \(place)")
            try transaction.settle()
        }
    }

    /// Items added in ascending order between others leave leaves that are nearly full, and move few of the others.
    @Test(arguments: [10, 100, 700])
    func additionsBetweenOthersFillLeaves(size: Int) throws {
        let volume = try Volume(opening: try Corpus.image(named: "mix_a.n4096").load())
        let transaction = try Transaction(on: volume)
        let tree = try #require(try transaction.tree(.fileTree))
        let sizeBefore = try sizeOfFileTree(transaction)
        var model: [Key: [UInt8]] = [:]
        for (type, size) in [(1 as UInt8, 160), (12, size), (13, size / 2)] {
            for inode in 5000..<5040 as Range<UInt64> {
                for offset in 0..<20 as Range<UInt64> {
                    let key = Key(ObjectID(inode), KeyType(type), offset)
                    model[key] = [UInt8](repeating: UInt8(offset), count: size)
                    try tree.insert(key, [UInt8](repeating: UInt8(offset), count: size).rawSpan)
                }
            }
            try expectSame(tree, model, "type \(type)")
        }
        try transaction.settle()
        let byteCount = model.values.reduce(0) { $0 + $1.count + LeafView.itemHeaderByteCount }
        let growth = try sizeOfFileTree(transaction) - sizeBefore
        #expect(growth < UInt64(byteCount) * 3 / 2, "\(growth) bytes of blocks for \(byteCount)")
    }

    private func sizeOfFileTree(_ transaction: Transaction) throws -> UInt64 {
        let roots = try #require(try transaction.tree(.rootTree))
        guard let item = try roots.find(Key(.fileTree, .rootItem, 0)) else { throw VolumeError.refused("no root item") }
        return try RootItem(item).bytesUsed
    }

    private func expectSame(_ tree: Tree, _ model: [Key: [UInt8]], _ comment: Comment) throws {
        let cursor = tree.makeCursor()
        try cursor.seek(Key(ObjectID(5000), KeyType(0), 0))
        var found: [Key] = []
        while cursor.isValid, cursor.key.objectID < ObjectID(5040) {
            found.append(cursor.key)
            #expect(model[cursor.key] == cursor.data.copied, comment)
            if try !cursor.next() { break }
        }
        #expect(found == model.keys.sorted(), comment)
        var backwards: [Key] = []
        if try cursor.seekLast(through: Key(ObjectID(5040), KeyType(0), 0)) {
            repeat {
                if cursor.key.objectID < ObjectID(5000) { break }
                backwards.append(cursor.key)
            } while try cursor.previous()
        }
        #expect(backwards.reversed() == found, comment)
    }
}
