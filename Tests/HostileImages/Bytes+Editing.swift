internal import BtrfsFormat

extension [UInt8] {
    /// The little-endian integer of `width` bytes at `offset`; 0 where the array ends before.
    func integer(at offset: Int, width: Int) -> UInt64 {
        guard offset >= 0, offset + width <= count else { return 0 }
        return self[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Stores the lower bytes of `value`; nothing where the array ends before.
    mutating func store(_ value: UInt64, width: Int, at offset: Int) {
        guard offset >= 0, offset + width <= count else { return }
        for index in 0..<width { self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    }

    mutating func store(_ key: Key, at offset: Int) {
        store(key.objectID.rawValue, width: 8, at: offset)
        store(UInt64(key.type.rawValue), width: 1, at: offset + 8)
        store(key.offset, width: 8, at: offset + 9)
    }

    mutating func flipBit(_ generator: inout some RandomNumberGenerator, from first: Int) {
        guard first < count else { return }
        self[Int.random(in: first..<count, using: &generator)] ^= 1 << UInt8.random(in: 0...7, using: &generator)
    }
}
