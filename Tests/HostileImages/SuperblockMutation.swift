internal import BlockDevices
internal import BtrfsFormat

/// Changes of a superblock; the checksum is made good afterwards.
struct SuperblockMutation {
    let values: ValuePool

    func apply(to devices: [MemoryDevice], _ generator: inout SeededRandom) throws {
        let offset = Superblock.offsets[0]
        guard let device = devices.randomElement(using: &generator) else { return }
        var bytes = try device.bytes(at: offset, count: Superblock.byteCount)
        for _ in 0..<Int.random(in: 1...2, using: &generator) { change(&bytes, &generator) }
        seal(&bytes)
        for device in devices.count > 1 && Bool.random(using: &generator) ? [device] : devices {
            // The other devices keep their own items, so that the volume opens further.
            var own = bytes
            let item = 0xc9..<0xc9 + DeviceItem.byteCount
            if devices.count > 1 {
                own.replaceSubrange(item, with: try device.bytes(at: offset + UInt64(item.lowerBound),
                    count: item.count))
                seal(&own)
            }
            try device.write(own, at: offset)
        }
    }

    private func change(_ bytes: inout [UInt8], _ generator: inout SeededRandom) {
        if Int.random(in: 0..<5, using: &generator) == 0 { return bytes.flipBit(&generator, from: 32) }
        var places = ItemFields.fields(Superblock.layout)
        places += ItemFields.fields(DeviceItem.layout, from: 0xc9)
        // The chunks that lead to the chunk tree.
        for _ in 0..<12 { places += ItemFields.fields(Chunk.layout, from: 0x32b + Key.byteCount) }
        places += stride(from: 0x32b, to: 0x32b + 160, by: 1).map { ItemFields.Place(offset: $0, width: [1, 4,
            8][$0 % 3]) }
        guard let place = places.randomElement(using: &generator) else { return }
        let old = bytes.integer(at: place.offset, width: place.width)
        bytes.store(values.value(insteadOf: old, &generator), width: place.width, at: place.offset)
    }

    private func seal(_ bytes: inout [UInt8]) {
        let type = ChecksumType(rawValue: UInt16(bytes.integer(at: 0xc4, width: 2))) ?? .crc32c
        let sum = type.compute(bytes.rawSpan.extracting(32..<bytes.count))
        for index in 0..<32 { bytes[index] = index < sum.count ? sum[index] : 0 }
    }
}
