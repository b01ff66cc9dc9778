import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing

/// Dropping ranges of a file leaves what an array of sectors says, and every extent with the right
/// references.
@Suite struct NamespaceExtentsTests {
    private static let sector: UInt64 = 4096
    private static let inode = ObjectID(8000)

    /// What a sector of the file has: a sector of an extent, or an explicit hole.
    private struct Sector: Equatable {
        var address: UInt64
        var isPreallocated: Bool
    }

    private struct Playground {
        let namespace: Namespace
        let transaction: Transaction
        var model: [Sector?] = Array(repeating: nil, count: 48)
        var nextAddress: UInt64

        init(_ transaction: Transaction) throws {
            let tree = try #require(try transaction.tree(.fileTree))
            namespace = Namespace(tree, in: transaction)
            self.transaction = transaction
            var item = InodeItem(generation: transaction.generation, mode: 0o100644, time: .zero)
            item.size = UInt64(model.count) * sector
            item.flags = [.noDataChecksum, .preallocated]
            try namespace.putInode(inode, item)
            let name = Array("extents".utf8)
            #expect(
                try namespace.addLink(
                    name.rawSpan, at: 9_000_000, to: inode, type: .regularFile, in: .firstFree,
                    backReference: .add) == .added)
            nextAddress = try #require(
                transaction.volume.chunks.chunks.first { $0.chunk.type.contains(.data) }
            ).start.rawValue
        }

        /// A free range in a data block group.
        mutating func freeRange(count: UInt64) throws -> LogicalAddress {
            while true {
                try #require(transaction.volume.chunks.chunk(at: LogicalAddress(nextAddress)) != nil, "full")
                let address = LogicalAddress(nextAddress)
                nextAddress += sector
                guard try transaction.extentState(at: address, count: count) == .free else { continue }
                // In a mixed block group a new tree block may lie there.
                do { try transaction.exclude(address, count: count) } catch { continue }
                nextAddress += count
                return address
            }
        }

        mutating func drop(_ range: Range<Int>, end: UInt64? = nil) throws -> UInt64 {
            let dropped = try namespace.dropExtents(
                of: inode, from: UInt64(range.lowerBound) * sector,
                to: end ?? UInt64(range.upperBound) * sector)
            let expected = model[range].count { $0 != nil }
            #expect(dropped == UInt64(expected) * sector)
            for index in range { model[index] = nil }
            return dropped
        }

        mutating func write(_ range: Range<Int>, _ random: inout SeededGenerator) throws -> UInt64 {
            let kind = Int.random(in: 0..<5, using: &random)
            let start = UInt64(range.lowerBound) * sector
            let count = UInt64(range.count) * sector
            if kind == 0 {
                let hole = FileExtent.hole(byteCount: count, generation: transaction.generation)
                let bytes = hole.encoded
                try namespace.insertExtent(bytes.rawSpan, of: inode, at: start)
                return 0
            }
            // The file has a piece from the middle of the extent.
            let offset = UInt64(Int.random(in: 0...2, using: &random)) * sector
            let whole = offset + count + UInt64(Int.random(in: 0...2, using: &random)) * sector
            let address = try freeRange(count: whole)
            let extent = FileExtent(
                generation: transaction.generation, kind: kind == 1 ? .preallocated : .regular,
                ramBytes: whole, diskAddress: address, diskByteCount: whole, offset: offset, byteCount: count)
            let bytes = extent.encoded
            try namespace.insertExtent(bytes.rawSpan, of: inode, at: start)
            try transaction.allocateDataExtent(
                at: address, count: whole,
                reference: DataReference(
                    root: namespace.tree.id, inode: inode, offset: start &- offset))
            for (place, index) in range.enumerated() {
                let at = address.rawValue + offset + UInt64(place) * sector
                model[index] = Sector(address: at, isPreallocated: kind == 1)
            }
            return count
        }

        func verify(_ comment: Comment) throws {
            var found: [Sector?] = Array(repeating: nil, count: model.count)
            var extents = namespace.extents(of: inode)
            var end: UInt64 = 0
            while let element = try extents.next() {
                #expect(element.start >= end, comment)
                end = element.end
                #expect(end > element.start, comment)
                if element.extent.isHole { continue }
                let address = element.extent.diskAddress.rawValue + element.extent.offset
                for at in stride(from: element.start, to: element.end, by: Int(sector)) {
                    found[Int(at / sector)] = Sector(
                        address: address + at - element.start,
                        isPreallocated: element.extent.kind == .preallocated)
                }
            }
            #expect(found == model, comment)
        }
    }

    @Test(arguments: ["create_fsync", "mix_a.n4096", "mix_a.holes", "mix_a.mixed"], [1 as UInt64, 2])
    func randomChangesMatchAModel(image: String, seed: UInt64) throws {
        let devices = try Corpus.image(named: image).load()
        let volume = try Volume(opening: devices)
        let transaction = try Transaction(on: volume)
        var random = SeededGenerator(seed: seed)
        var play = try Playground(transaction)
        let sectors = play.model.count
        var byteCount: UInt64 = 0
        for step in 0..<400 {
            let start = Int.random(in: 0..<sectors, using: &random)
            let count = Int.random(in: 1...6, using: &random)
            let range = start..<min(start + count, sectors)
            byteCount -= try play.drop(range)
            if Int.random(in: 0..<3, using: &random) != 0 { byteCount += try play.write(range, &random) }
            if step % 100 == 99 { try play.verify("seed \(seed) step \(step)") }
        }
        byteCount -= try play.drop(sectors - 10..<sectors, end: .max)
        try play.verify("seed \(seed)")
        #expect(byteCount == UInt64(play.model.count { $0 != nil }) * Self.sector)
        try play.namespace.updateInode(Self.inode) { $0.nbytes = byteCount }
        if !volume.superblock.incompat.contains(.noHoles) { try fillHoles(play) }
        try transaction.commit()
        try expectWhole(devices)
    }

    /// Without the feature no-holes the checker wants an item for every hole.
    private func fillHoles(_ play: Playground) throws {
        var position: UInt64 = 0
        var gaps: [Range<UInt64>] = []
        var extents = play.namespace.extents(of: Self.inode)
        while let element = try extents.next() {
            if element.start > position { gaps.append(position..<element.start) }
            position = element.end
        }
        let end = UInt64(play.model.count) * Self.sector
        if position < end { gaps.append(position..<end) }
        for gap in gaps {
            let hole = FileExtent.hole(
                byteCount: gap.upperBound - gap.lowerBound, generation: play.transaction.generation).encoded
            try play.namespace.insertExtent(hole.rawSpan, of: Self.inode, at: gap.lowerBound)
        }
    }

    private func expectWhole(_ devices: [MemoryDevice]) throws {
        guard BtrfsCheck.isAvailable else { return }
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try devices[0].writeImage(to: path)
        let verdict = try BtrfsCheck.run(images: [path])
        #expect(verdict.isClean, "\(verdict)")
    }

    /// An inline extent goes whole, counts its own size, and cannot be cut.
    @Test func inlineExtentsGoWhole() throws {
        let volume = try Volume(opening: try Corpus.image(named: "create_fsync").load())
        let transaction = try Transaction(on: volume)
        let play = try Playground(transaction)
        let data = [UInt8](repeating: 7, count: 100)
        let item = FileExtent.inline(generation: 1, ramBytes: 100, inlineByteCount: 100)
            .encoded(inlineData: data.rawSpan)
        try play.namespace.insertExtent(item.rawSpan, of: Self.inode, at: 0)
        #expect(try play.namespace.dropExtents(of: Self.inode, from: 4096, to: .max) == 0)
        #expect(throws: VolumeError.self) {
            _ = try play.namespace.dropExtents(of: Self.inode, from: 10, to: .max)
        }
        #expect(throws: VolumeError.self) {
            _ = try play.namespace.dropExtents(of: Self.inode, from: 0, to: 50)
        }
        #expect(try play.namespace.fileExtent(of: Self.inode, at: 0)?.inlineByteCount == 100)
        #expect(try play.namespace.dropExtents(of: Self.inode, from: 0, to: 4096) == 100)
        #expect(try play.namespace.fileExtent(of: Self.inode, at: 0) == nil)
    }

    /// What a disk may claim of an extent is refused, not trusted.
    @Test func extentsBeyondAllFilesAreRefused() throws {
        let volume = try Volume(opening: try Corpus.image(named: "create_fsync").load())
        let transaction = try Transaction(on: volume)
        let play = try Playground(transaction)
        let hole = FileExtent.hole(byteCount: .max - 100, generation: 1).encoded
        try play.namespace.insertExtent(hole.rawSpan, of: Self.inode, at: 8192)
        #expect(throws: VolumeError.self) {
            _ = try play.namespace.dropExtents(of: Self.inode, from: 0, to: .max)
        }
    }
}
