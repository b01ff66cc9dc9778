import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing

/// Names and back references behave like a dictionary, whatever collides, and what is left is a whole volume.
@Suite struct NamespaceNamesTests {
    private struct Link: Equatable {
        var inode: ObjectID
        var index: UInt64
    }

    /// A directory with many names of a few inodes, in a model and on a volume.
    private struct Playground {
        let namespace: Namespace
        let directory: ObjectID
        let inodes: [ObjectID]
        var model: [[UInt8]: Link] = [:]
        var nextIndex: UInt64 = 2

        init(_ transaction: Transaction) throws {
            let tree = try #require(try transaction.tree(.fileTree))
            namespace = Namespace(tree, in: transaction)
            directory = ObjectID(7000)
            inodes = (7001...7004).map { ObjectID($0) }
            var item = InodeItem(generation: transaction.generation, mode: 0o40755, time: .zero)
            try namespace.putInode(directory, item)
            let name = Array("playground".utf8)
            let result = try namespace.addLink(
                name.rawSpan, at: 9_000_000, to: directory, type: .directory, in: .firstFree,
                backReference: .add)
            #expect(result == .added)
            item = InodeItem(generation: transaction.generation, mode: 0o100644, nlink: 0, time: .zero)
            for inode in inodes { try namespace.putInode(inode, item) }
        }

        mutating func add(_ name: [UInt8], to inode: ObjectID, at index: UInt64) throws -> LinkResult {
            let result = try namespace.addLink(
                name.rawSpan, at: index, to: inode, type: .regularFile, in: directory, backReference: .add)
            if result == .added {
                model[name] = Link(inode: inode, index: index)
                try namespace.updateInode(inode) { $0.nlink += 1 }
            }
            return result
        }

        mutating func remove(_ name: [UInt8]) throws {
            let link = try #require(model[name])
            model[name] = nil
            try namespace.unlink(
                name.rawSpan, of: link.inode, in: directory, now: Timestamp(seconds: 77, nanoseconds: 7))
        }

        /// Compares everything that can be asked about the names with the model.
        func verify(_ comment: Comment) throws {
            var entries = namespace.entries(of: directory)
            var listed: [[UInt8]] = []
            while let entry = try entries.next() {
                #expect(model[entry.name]?.index == entry.index, comment)
                #expect(model[entry.name]?.inode == entry.target.location.objectID, comment)
                listed.append(entry.name)
            }
            #expect(listed == model.sorted { $0.value.index < $1.value.index }.map(\.key), comment)
            for (name, link) in model {
                let target = try namespace.entry(named: name.rawSpan, in: directory)
                #expect(target?.location == Key(link.inode, .inodeItem, 0), comment)
                let reference = try namespace.reference(from: link.inode, to: directory, name: name.rawSpan)
                #expect(reference?.index == link.index, comment)
            }
            let size = model.keys.reduce(0) { $0 + 2 * UInt64($1.count) }
            #expect(try namespace.inode(directory)?.size == size, comment)
            for inode in inodes {
                let names = model.filter { $0.value.inode == inode }
                #expect(try namespace.inode(inode)?.nlink == UInt32(names.count), comment)
                let known = try namespace.names(of: inode)
                #expect(known.count == names.count && Set(known.map(\.name)) == Set(names.keys), comment)
                #expect(known.allSatisfy { model[$0.name]?.index == $0.index && $0.directory == directory })
            }
            #expect(try itemNameCount() == model.count, comment)
        }

        /// How many names the DIR_ITEM items of the directory hold.
        private func itemNameCount() throws -> Int {
            let cursor = namespace.tree.makeCursor()
            try cursor.seek(Key(directory, .dirItem, 0))
            var count = 0
            while cursor.isValid, cursor.key.objectID == directory, cursor.key.type == .dirItem {
                var entries = DirEntries(cursor.data)
                while let entry = try entries.next() {
                    #expect(UInt64(NameHash.name(entry.name)) == cursor.key.offset)
                    count += 1
                }
                if try !cursor.next() { break }
            }
            return count
        }
    }

    @Test(
        arguments: ["create_fsync", "mix_a.n4096", "mix_a.no-extref", "mix_a.n65536"], [1 as UInt64, 2])
    func randomChangesMatchAModel(image: String, seed: UInt64) throws {
        let devices = try Corpus.image(named: image).load()
        let volume = try Volume(opening: devices)
        let transaction = try Transaction(on: volume)
        var random = SeededGenerator(seed: seed)
        var play = try Playground(transaction)
        for step in 0..<4000 {
            let existing = play.model.keys.randomElement(using: &random)
            if let existing, Int.random(in: 0..<(step < 2500 ? 4 : 2), using: &random) == 0 {
                try play.remove(existing)
                continue
            }
            let name = Self.name(&random)
            let inode = try #require(play.inodes.randomElement(using: &random))
            let isTaken = play.model[name] != nil
            let result = try play.add(name, to: inode, at: play.nextIndex)
            play.nextIndex += 1
            let expected: [LinkResult] =
                isTaken ? [.nameExists, .referenceExists] : [.added, .collisionsFull, .referencesFull]
            #expect(expected.contains(result), "seed \(seed) step \(step): \(result)")
            if step % 500 == 499 { try play.verify("seed \(seed) step \(step)") }
        }
        try play.verify("seed \(seed)")
        for inode in play.inodes where try play.namespace.names(of: inode).isEmpty {
            try play.namespace.addOrphan(inode)
        }
        try transaction.commit()
        guard BtrfsCheck.isAvailable else { return }
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try devices[0].writeImage(to: path)
        let verdict = try BtrfsCheck.run(images: [path])
        #expect(verdict.isClean, "\(verdict)")
    }

    /// Of many colliding names those that fill an item are the last; the next is refused and changes nothing.
    @Test func collidingNamesFillAnItem() throws {
        let volume = try Volume(opening: try Corpus.image(named: "mix_a.n4096").load())
        let transaction = try Transaction(on: volume)
        var play = try Playground(transaction)
        var random = SeededGenerator(seed: 5)
        let limit = (4096 - 101 - 25) / (30 + 255)
        for count in 0...limit {
            let prefix = random.bytes(251).map { $0 == 0x2f ? 1 : $0 | 1 }
            let name = NameHash.collision(prefix, hash: 0x1234_5678)
            #expect(NameHash.name(name.rawSpan) == 0x1234_5678)
            let result = try play.add(name, to: play.inodes[0], at: play.nextIndex)
            play.nextIndex += 1
            #expect(result == (count < limit ? .added : .collisionsFull))
        }
        try play.verify("full")
        for name in play.model.keys { try play.remove(name) }
        try play.verify("empty")
    }

    /// Back references that find no room in INODE_REF go to INODE_EXTREF where the volume has it.
    @Test(arguments: ["mix_a.n4096", "mix_a.no-extref"])
    func referencesOverflow(image: String) throws {
        let volume = try Volume(opening: try Corpus.image(named: image).load())
        let transaction = try Transaction(on: volume)
        var play = try Playground(transaction)
        let inode = play.inodes[0]
        let fitting = (volume.nodeSize - 126) / (10 + 200)
        for count in 0..<fitting + 5 {
            let name = Array("\(count)".utf8) + [UInt8](repeating: 120, count: 200 - "\(count)".utf8.count)
            let result = try play.add(name, to: inode, at: play.nextIndex)
            play.nextIndex += 1
            let hasRoom = count < fitting || image == "mix_a.n4096"
            #expect(result == (hasRoom ? .added : .referencesFull))
            let reference = try play.namespace.reference(from: inode, to: play.directory, name: name.rawSpan)
            #expect(reference?.type == (hasRoom ? (count < fitting ? .inodeRef : .inodeExtref) : nil))
        }
        try play.verify("overflow")
        for name in play.model.keys { try play.remove(name) }
        try play.verify("empty")
        #expect(try play.namespace.inode(inode)?.ctime == Timestamp(seconds: 77, nanoseconds: 7))
    }

    /// A name that cannot be added leaves everything as it was.
    @Test func refusedNamesChangeNothing() throws {
        let volume = try Volume(opening: try Corpus.image(named: "create_fsync").load())
        let transaction = try Transaction(on: volume)
        var play = try Playground(transaction)
        let one = Array("one".utf8)
        let two = Array("two".utf8)
        #expect(try play.add(one, to: play.inodes[0], at: 2) == .added)
        #expect(try play.add(one, to: play.inodes[0], at: 3) == .referenceExists)
        #expect(try play.add(one, to: play.inodes[1], at: 3) == .nameExists)
        #expect(try play.add(two, to: play.inodes[1], at: 2) == .indexTaken)
        try play.verify("refused")
        #expect(throws: VolumeError.self) { _ = try play.add([], to: play.inodes[1], at: 4) }
        #expect(throws: VolumeError.self) {
            _ = try play.add([UInt8](repeating: 65, count: 256), to: play.inodes[1], at: 4)
        }
        #expect(throws: VolumeError.self) {
            try play.namespace.unlink(two.rawSpan, of: play.inodes[1], in: play.directory, now: .zero)
        }
        try play.verify("thrown")
    }

    /// Short names from a small set, so that they are met again, some forged to share a hash.
    private static func name(_ random: inout SeededGenerator) -> [UInt8] {
        let prefix = Array("n\(Int.random(in: 0..<400, using: &random))".utf8)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return NameHash.collision(prefix, hash: UInt32.random(in: 1...3, using: &random) << 20)
        case 1: return prefix + [UInt8](repeating: 46, count: Int.random(in: 0...240, using: &random))
        default: return prefix
        }
    }
}
