/// The hash tree by which fs-verity protects a file, made from the file's content: SHA-256, blocks of 4096 bytes, no
/// salt.
///
/// Each block is filled up with zeros and hashed; the hashes, one behind the other, are the content of the next level,
/// until one hash is left. The tree is all levels, the highest first. A file of at most one block has none.
public struct VerityTree {
    /// The size of blocks in bytes.
    public static var blockSize: Int { 4096 }
    private var byteCount: UInt64 = 0
    private var hashes: [UInt8] = []

    /// The tree of an empty file.
    public init() {}

    /// Adds content. All but the last has to be whole blocks.
    public mutating func add(_ content: [UInt8]) {
        precondition(byteCount % UInt64(Self.blockSize) == 0, "there is content behind a part of a block")
        byteCount += UInt64(content.count)
        hashes += Self.hashes(of: content)
    }

    /// The blocks of the tree, and what describes it.
    public func finish() -> (blocks: [UInt8], descriptor: VerityDescriptor) {
        var levels: [[UInt8]] = []
        var level = hashes
        while level.count > ChecksumType.sha256.size {
            level += [UInt8](repeating: 0, count: (0 &- level.count) & (Self.blockSize - 1))
            levels.append(level)
            level = Self.hashes(of: level)
        }
        return (Array(levels.reversed().joined()), VerityDescriptor(dataSize: byteCount, rootHash: level))
    }

    private static func hashes(of bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: blockSize) {
            var block = Array(bytes[start..<min(start + blockSize, bytes.count)])
            block += [UInt8](repeating: 0, count: blockSize - block.count)
            result += ChecksumType.sha256.compute(block.rawSpan)
        }
        return result
    }
}
