internal import BlockDevices
internal import BtrfsFormat
internal import BtrfsVolume
internal import KernelOracle
internal import TestSupport
internal import Testing

/// The images of a fixture as files that a test may change.
struct Images: ~Copyable {
    let folder: TemporaryFolder
    let fixture: CorpusImage
    let paths: [String]
    private let originals: [MemoryDevice]

    init(_ name: String) throws {
        let fixture = try Corpus.image(named: name)
        let folder = try TemporaryFolder()
        let originals = try fixture.load()
        let paths = originals.indices.map { folder.file("device\($0).img") }
        for (device, path) in zip(originals, paths) { try device.writeImage(to: path) }
        self.fixture = fixture
        self.folder = folder
        self.originals = originals
        self.paths = paths
    }

    /// The image of a fixture with one device.
    var path: String { paths[0] }

    /// Whether all images have the bytes they had.
    func areUntouched() throws -> Bool { try areUntouched(at: paths) }

    func areUntouched(at paths: [String]) throws -> Bool {
        for (path, original) in zip(paths, originals) {
            let file = try FileDevice(path: path, access: .readOnly)
            guard try holdsTheSame(file, original) else { return false }
        }
        return true
    }

    private func holdsTheSame(_ file: FileDevice, _ original: MemoryDevice) throws -> Bool {
        guard file.byteCount == original.byteCount else { return false }
        let step: UInt64 = 4 << 20
        for start in stride(from: 0, to: file.byteCount, by: Int(step)) {
            let count = Int(min(step, file.byteCount - start))
            guard try file.bytes(at: start, count: count) == original.bytes(at: start, count: count) else {
                return false
            }
        }
        return true
    }

    /// Changes bytes of the image.
    func overwrite(_ index: Int = 0, at offset: UInt64, with bytes: [UInt8]) throws {
        let file = try FileDevice(path: paths[index], access: .readWrite)
        try file.write(bytes, at: offset)
        try file.flush()
    }

    /// Breaks all copies of the first leaf of a log. Returns the address of the leaf.
    func damageLeaf(ofLog subvolume: Int) throws -> Int64 { try damageLeaf(of: "log:\(subvolume)") }

    /// Breaks all copies of the first leaf of a tree. Returns the address of the leaf.
    func damageLeaf(of tree: String) throws -> Int64 {
        let items = try ToolRun(["dump", "--json", "--tree", tree] + paths)
        let item = try JSONValue(parsing: String(try #require(items.lines.first)))
        let block = try #require(item["block"]?.integer)
        for range in try places(of: LogicalAddress(UInt64(block))) { try damage(range) }
        return block
    }

    /// Where the copies of a block are.
    private func places(of block: LogicalAddress) throws -> [PhysicalRange] {
        let volume = try Volume(opening: try paths.map { try FileDevice(path: $0, access: .readOnly) })
        return try (0..<volume.mirrorCount(at: block)).flatMap {
            try volume.chunks.physicalRanges(of: block, count: volume.nodeSize, copy: $0)
        }
    }

    private func damage(_ range: PhysicalRange) throws {
        let file = try FileDevice(path: paths[Int(range.deviceID) - 1], access: .readWrite)
        let place = range.offset + UInt64(range.count) - 1
        try file.write([try file.bytes(at: place, count: 1)[0] ^ 1], at: place)
        try file.flush()
    }

    /// Expects of a run of `state` that it shows what a right replay leads to.
    func expectReplayedState(_ run: ToolRun) throws {
        #expect(run.status == 0, "\(run)")
        let differences = try fixture.differences(from: try run.json())
        #expect(differences.isEmpty, "\(differences)")
    }
}
