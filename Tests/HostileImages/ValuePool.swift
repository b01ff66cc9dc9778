internal import BtrfsFormat
internal import BtrfsVolume
internal import TestSupport

/// Numbers that are likely to lead somewhere: the limits of fields, and what the volume itself uses as addresses,
/// sizes, inodes and trees.
struct ValuePool {
    private var own: [UInt64] = []
    private let limits: [UInt64]
    let keyTypes: [UInt8] = [
        1, 12, 13, 24, 25, 36, 48, 60, 72, 84, 96, 97, 108, 128, 132, 144, 156, 168, 169, 172, 176, 178, 182, 184, 192,
        198, 199, 200, 204, 216, 228, 240, 242, 244, 246, 248, 251, 0, 255,
    ]

    init(_ volume: Volume, _ used: UsedSpace) {
        let (node, generation) = (UInt64(volume.nodeSize), volume.superblock.generation)
        var limits: [UInt64] = [
            0, 1, 2, 3, 5, 6, 7, 8, 16, 255, 256, 257, 511, 4095, 4096, 4097, 65535, 65536, node, node - 1,
            node - 101, node - 126, node + 1, generation, generation + 1, generation + 2, generation - 1,
            0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 40, 1 << 62,
        ]
        for base in [UInt64(1) << 63, 0] { for delta in [UInt64(0), 1, 4096, 65536,
            node] { limits.append(base &- delta) } }
        for reserved in 1...12 as ClosedRange<UInt64> { limits.append(0 &- reserved) }
        limits += [0 &- 255, 0 &- 256, 0 &- 257]
        self.limits = limits
        for block in used.blocks.prefix(400) { own.append(block.address.rawValue) }
        for extent in used.dataExtents.prefix(200) { own += [extent.lowerBound, UInt64(extent.count)] }
        for chunk in volume.chunks.chunks { own += [chunk.start.rawValue, chunk.chunk.length, chunk.end] }
        for id in (try? volume.subvolumes()) ?? [] { own.append(id.rawValue) }
        own += (256..<300).map { $0 }
    }

    /// A number in place of `old`.
    func value(insteadOf old: UInt64, _ generator: inout some RandomNumberGenerator) -> UInt64 {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0...2: limits.randomElement(using: &generator) ?? 0
        case 3...5: own.randomElement(using: &generator) ?? 0
        case 6: old &+ ([1, 0 &- 1, 4096, 0 &- 4096, 65536].randomElement(using: &generator) ?? 1)
        case 7: old ^ (1 << UInt64.random(in: 0..<64, using: &generator))
        case 8: [old << 1, old >> 1, ~old, old &* 3].randomElement(using: &generator) ?? old
        default: UInt64.random(in: 0...UInt64.max, using: &generator)
        }
    }

    func keyType(_ generator: inout some RandomNumberGenerator) -> KeyType {
        KeyType(keyTypes.randomElement(using: &generator) ?? 1)
    }

    /// `key` with one part changed.
    func key(insteadOf key: Key, _ generator: inout some RandomNumberGenerator) -> Key {
        var key = key
        switch Int.random(in: 0..<5, using: &generator) {
        case 0, 1: key.objectID = ObjectID(value(insteadOf: key.objectID.rawValue, &generator))
        case 2: key.type = keyType(&generator)
        default: key.offset = value(insteadOf: key.offset, &generator)
        }
        return key
    }
}
