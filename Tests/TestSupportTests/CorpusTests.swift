import BlockDevices
import KernelOracle
import TestSupport
import Testing

/// The fixtures are complete and are what their manifest says.
@Suite struct CorpusTests {
    @Test func everyImageIsListed() throws {
        #expect(Corpus.images.count == 171)
        #expect(Corpus.hazards.map(\.name) == ["hazard_ref_grows_16k", "hazard_ref_grows_4k"])
        #expect(Set(Corpus.images.map(\.name)).count == 171)
        #expect(try Corpus.image(named: "mix_a.raid10").files.count == 4)
        #expect(throws: FixtureError.self) { try Corpus.image(named: "none") }
    }

    /// Damaged fixtures would look like a damaged replay.
    @Test(arguments: Corpus.images + Corpus.hazards)
    func everyImageHasASuperblockAndAState(_ image: CorpusImage) throws {
        for device in try image.load() {
            #expect(device.byteCount >= 128 << 20)
            let superblock = try device.bytes(at: 65536, count: 4096)
            #expect(superblock[64..<72].elementsEqual("_BHRfS_M".utf8))
            #expect(superblock[96..<104].contains { $0 != 0 }, "there is no log")
            if let generation = image.generation {
                #expect(superblock[72..<80].reversed().reduce(0) { $0 << 8 | UInt64($1) } == generation)
            }
        }
        #expect(try image.expectedState()["subvolumes"]?["/"] != nil)
    }

    @Test(arguments: ["link_count_fixup", "hazard_ref_grows_4k"])
    func aStateHasNoDifferenceFromItself(_ name: String) throws {
        let image = try Corpus.image(named: name)
        let state = try image.expectedState()
        #expect(try image.differences(from: state).isEmpty)
        #expect(try !image.differences(from: .object(["subvolumes": .object([:])])).isEmpty)
    }

    @Test func imagesBecomeSparseFiles() throws {
        let folder = try TemporaryFolder()
        let image = try Corpus.image(named: "mix_a.raid1")
        let devices = try image.load()
        let paths = try image.writeImages(to: folder.path)
        #expect(paths == [folder.file("mix_a.raid1.0.img"), folder.file("mix_a.raid1.1.img")])
        for (path, device) in zip(paths, devices) {
            let file = try FileDevice(path: path, access: .readOnly)
            #expect(file.byteCount == device.byteCount)
            let copy = MemoryDevice(byteCount: file.byteCount)
            let chunk = 16 << 20
            for offset in stride(from: 0, to: file.byteCount, by: chunk) {
                let count = min(chunk, Int(file.byteCount - offset))
                try copy.write(try file.bytes(at: offset, count: count), at: offset)
            }
            #expect(copy.contentEquals(device))
            #expect(copy.dataRanges == device.dataRanges)
        }
    }
}
