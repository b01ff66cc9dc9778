import BlockDevices
import BtrfsFormat
import BtrfsVolume
import TestSupport
import Testing

/// Whatever a tree claims, reading it ends: with an answer or with an error, never with a trap, a loop or
/// memory that the claim asks for.
@Suite struct NamespaceHostileTests {
    private struct NullSink: ByteSink {
        var count: UInt64 = 0
        mutating func write(_ bytes: RawSpan) throws(VolumeError) { count &+= UInt64(bytes.byteCount) }
        mutating func writeZeros(_ count: UInt64) throws(VolumeError) { self.count &+= count }
    }

    private static func open(_ image: String) throws -> (Volume, Transaction, Namespace) {
        let volume = try Volume(opening: try Corpus.image(named: image).load())
        let transaction = try Transaction(on: volume)
        let tree = try #require(try transaction.tree(.fileTree))
        return (volume, transaction, Namespace(tree, in: transaction))
    }

    private static func files(_ volume: Volume, _ transaction: Transaction) -> VolumeFiles {
        VolumeFiles(volume) { (id: ObjectID) throws(VolumeError) in try transaction.tree(id) }
    }

    /// Items with random damage are read by everything that reads.
    @Test(
        arguments: ["mix_a.default", "compress_zlib", "mix_a.holes", "five_subvolumes_deletes"],
        1...10 as ClosedRange<UInt64>)
    func damagedItemsAreAnswersOrErrors(image: String, seed: UInt64) throws {
        let (volume, transaction, namespace) = try Self.open(image)
        var random = SeededGenerator(seed: seed)
        var items: [(key: Key, data: [UInt8])] = []
        let cursor = namespace.tree.makeCursor()
        try cursor.seek(.minimum)
        while cursor.isValid {
            items.append((cursor.key, cursor.data.copied))
            if try !cursor.next() { break }
        }
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let item = try #require(items.randomElement(using: &random))
            var data = item.data
            // A file of many terabytes of zeros is no danger, but takes too long to hash.
            let start = item.key.type == .inodeItem ? 24 : 0
            for _ in 0..<Int.random(in: 1...4, using: &random) where data.count > start {
                let at = Int.random(in: start..<data.count, using: &random)
                data[at] = Bool.random(using: &random) ? .max : UInt8.random(in: 0...255, using: &random)
            }
            if Int.random(in: 0..<4, using: &random) == 0 { data.removeLast(data.count / 2) }
            try namespace.tree.put(item.key, data.rawSpan)
        }
        let files = Self.files(volume, transaction)
        var sink = NullSink()
        do { try VolumeState(files).write(to: &sink) } catch {}
        for (key, _) in items where key.type == .inodeItem {
            do { _ = try namespace.path(of: key.objectID) } catch {}
            do { _ = try namespace.xattrs(of: key.objectID) } catch {}
            do { _ = try namespace.names(of: key.objectID) } catch {}
            do {
                _ = try namespace.dropExtents(of: key.objectID, from: 4096, to: .max)
            } catch {}
        }
        do { try VolumeState(files).write(to: &sink) } catch {}
    }

    /// Directories that contain each other are listed once, and have no path.
    @Test func loopsOfDirectoriesEnd() throws {
        let (volume, transaction, namespace) = try Self.open("create_fsync")
        let item = InodeItem(generation: 1, mode: 0o40755, time: .zero)
        let pair = [ObjectID(7000), ObjectID(7001)]
        for inode in pair { try namespace.putInode(inode, item) }
        for (index, inode) in pair.enumerated() {
            let name = Array("loop\(index)".utf8)
            #expect(
                try namespace.addLink(
                    name.rawSpan, at: 5, to: inode, type: .directory, in: pair[1 - index],
                    backReference: .add) == .added)
        }
        #expect(try namespace.path(of: pair[0]) == nil)
        // The loop is also entered from the root.
        let name = Array("entry".utf8)
        #expect(
            try namespace.addLink(
                name.rawSpan, at: 9_000_000, to: pair[0], type: .directory, in: .firstFree,
                backReference: .leave) == .added)
        var collector = ByteCollector(limit: 1 << 24)
        let files = Self.files(volume, transaction)
        try VolumeState(files).write(to: &collector)
        let text = String(decoding: collector.bytes, as: UTF8.self)
        #expect(text.contains("\"entry/loop1\":["))
        #expect(!text.contains("\"entry/loop1/loop0\":["))
        let around = Array("entry/loop1/loop0/loop1/../loop1//./".utf8)
        #expect(try files.resolve(around) == FileLocation(subvolume: .fileTree, inode: pair[1]))
    }

    /// A symbolic link that leads to itself leads nowhere; others lead on, also over the root and upwards.
    @Test func symlinksAreFollowedWithinReason() throws {
        let (volume, transaction, namespace) = try Self.open("create_fsync")
        var index: UInt64 = 9_000_000
        func add(_ name: String, _ inode: UInt64, mode: UInt32, target: String? = nil) throws {
            var item = InodeItem(generation: 1, mode: mode, time: .zero)
            let name = Array(name.utf8)
            let bytes = Array((target ?? "").utf8)
            item.size = UInt64(bytes.count)
            try namespace.putInode(ObjectID(inode), item)
            if target != nil {
                let extent = FileExtent.inline(
                    generation: 1, ramBytes: item.size, inlineByteCount: bytes.count
                ).encoded(inlineData: bytes.rawSpan)
                try namespace.insertExtent(extent.rawSpan, of: ObjectID(inode), at: 0)
            }
            index += 1
            #expect(
                try namespace.addLink(
                    name.rawSpan, at: index, to: ObjectID(inode), type: DirEntryType(mode: mode),
                    in: .firstFree, backReference: .add) == .added)
        }
        try add("self", 7000, mode: 0o120777, target: "self")
        try add("dir", 7001, mode: 0o40755)
        try add("to-dir", 7002, mode: 0o120777, target: "/dir/../to-there")
        try add("to-there", 7003, mode: 0o120777, target: "../../dir")
        let files = Self.files(volume, transaction)
        func find(_ path: String, _ symlinks: SymlinkPolicy) throws -> UInt64? {
            try files.resolve(Array(path.utf8), symlinks: symlinks)?.inode.rawValue
        }
        #expect(try find("self", .stop) == 7000)
        #expect(try find("self", .follow) == nil)
        #expect(try find("to-dir", .stop) == 7002)
        #expect(try find("to-dir", .follow) == 7001)
        #expect(try find("to-dir/..", .follow) == 256)
        #expect(try find("to-dir/x", .stop) == nil)
        #expect(try find("", .stop) == 256)
    }

    /// Data with a wrong checksum is read from another copy; without one it is an error.
    @Test(arguments: ["mix_a.data-dup", "mix_a.raid1", "mix_a.default"])
    func damagedDataComesFromAnotherCopy(image: String) throws {
        let devices = try Corpus.image(named: image).load()
        let files = VolumeFiles(try Volume(opening: devices))
        let namespace = try #require(try files.namespace(of: .fileTree))
        let inode = try #require(try files.resolve(Array("w-medium".utf8))).inode
        var before = ByteCollector(limit: 1 << 20)
        try files.fileReader().read(inode, of: namespace, into: &before)
        var extents = namespace.extents(of: inode)
        let address = try #require(try extents.next()).extent.diskAddress
        let chunks = files.volume.chunks
        for (mirror, sector) in (0..<chunks.copyCount(at: address)).map({ ($0, 3 + 2 * $0) }) {
            let damaged = LogicalAddress(address.rawValue + UInt64(sector * 4096 + 17))
            let place = try #require(try chunks.physicalRanges(of: damaged, count: 1, copy: mirror).first)
            // The device numbers of the corpus are the places of the images.
            let bytes: [UInt8] = [0xee]
            try devices[Int(place.deviceID) - 1].write(bytes.rawSpan, at: place.offset)
        }
        var after = ByteCollector(limit: 1 << 20)
        if image == "mix_a.default" {
            #expect(throws: VolumeError.self) {
                try files.fileReader().read(inode, of: namespace, into: &after)
            }
        } else {
            try files.fileReader().read(inode, of: namespace, into: &after)
            #expect(after.bytes == before.bytes)
        }
    }

    /// An extent that claims more than compression allows is refused before any memory is taken for it.
    @Test func oversizedCompressedExtentsAreRefused() throws {
        let (volume, transaction, namespace) = try Self.open("create_fsync")
        let inode = ObjectID(7000)
        var item = InodeItem(generation: 1, mode: 0o100644, time: .zero)
        item.size = 1 << 40
        try namespace.putInode(inode, item)
        let files = Self.files(volume, transaction)
        let sizes: [(UInt64, UInt64)] = [(1 << 40, 4096), (131_072, 1 << 40), (131_072, 131_071)]
        for (ramBytes, diskByteCount) in sizes {
            let extent = FileExtent(
                generation: 1, kind: .regular, compression: .zstd, ramBytes: ramBytes,
                diskAddress: LogicalAddress(13_631_488), diskByteCount: diskByteCount, offset: 0,
                byteCount: 131_072)
            let bytes = extent.encoded
            try namespace.tree.put(Key(inode, .extentData, 0), bytes.rawSpan)
            var sink = NullSink()
            #expect(throws: VolumeError.self) {
                try files.fileReader().read(inode, of: namespace, into: &sink)
            }
        }
    }
}
