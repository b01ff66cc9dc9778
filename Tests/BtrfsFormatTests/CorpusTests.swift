import BtrfsFormat
import TestSupport
import Testing

/// What Linux wrote is valid, and comes back byte for byte when it is decoded and encoded again.
@Suite struct CorpusTests {
    @Test(arguments: Corpus.images)
    func linuxBlocksAreValid(_ image: CorpusImage) throws {
        let metadata = try MetadataBlocks(of: image)
        #expect(metadata.blocks.count >= 8)
        for block in metadata.blocks {
            let context = try metadata.context(of: block)
            let header = try BlockHeader(block.rawSpan)
            do {
                if header.level > 0 {
                    try NodeChecker.check(block.rawSpan, context)
                } else {
                    try LeafChecker.check(block.rawSpan, context)
                    try checkItems(block, metadata.superblock)
                }
            } catch {
                Issue.record("tree \(header.owner): \(error)")
            }
        }
    }

    private func checkItems(_ block: [UInt8], _ superblock: Superblock) throws {
        let leaf = LeafView(block.rawSpan)
        for slot in 0..<(try leaf.count) {
            let key = try leaf.key(at: slot)
            let data = try leaf.data(at: slot)
            if let encoded = try RoundTrip.encode(key, data) {
                #expect(encoded == data.copied, "\(key)")
            }
            let description = ItemDescription.describe(
                key: key, data: data, checksum: superblock.checksumType,
                sectorSize: Int(superblock.sectorSize))
            #expect(description.problem == nil)
            #expect(description.record["bytes"] == nil, "\(key) has a description")
        }
    }
}
