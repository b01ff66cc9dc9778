public import BtrfsFormat

extension NameHash {
    /// `prefix` and four bytes that give the name the hash `hash`: CRC-32C run backwards.
    public static func collision(_ prefix: [UInt8], hash: UInt32) -> [UInt8] {
        let table = (0..<256).map { (index: UInt32) -> UInt32 in
            (0..<8).reduce(index) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
        }
        var wanted = hash
        for _ in 0..<4 {
            let index = table.firstIndex { $0 >> 24 == wanted >> 24 } ?? 0
            wanted = (wanted ^ table[index]) << 8 | UInt32(index)
        }
        let state = name(prefix.rawSpan) ^ wanted
        return prefix + (0..<4).map { UInt8(truncatingIfNeeded: state >> (8 * $0)) }
    }

    /// Different names of `length` bytes that begin with `prefix`, have one hash and can be in a directory.
    public static func collisions(_ count: Int, length: Int, prefix: String = "") -> [[UInt8]] {
        var random = SeededGenerator(seed: 1)
        var names: [[UInt8]] = []
        while names.count < count {
            var start = Array(prefix.utf8)
            while start.count < length - 4 { start.append(UInt8.random(in: 97...122, using: &random)) }
            let name = collision(start, hash: 0x1234_5678)
            if !name.contains(0), !name.contains(UInt8(ascii: "/")) { names.append(name) }
        }
        return names
    }
}
