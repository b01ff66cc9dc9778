import BlockDevices
import TestSupport
import Testing

/// Memory devices are sparse, and copies and overlays never show in each other.
@Suite struct MemoryDeviceTests {
    static let page = UInt64(MemoryDevice.pageSize)

    @Test func onlyWhatIsNotZeroTakesMemory() throws {
        let device = MemoryDevice(byteCount: 1 << 50)
        #expect(device.dataRanges.isEmpty)
        try device.write([UInt8](repeating: 0, count: 1 << 20), at: 1 << 40)
        #expect(device.dataRanges.isEmpty)

        // From the last byte of a page to the first of the page after the next, in one range.
        var bytes = [UInt8](repeating: 0, count: MemoryDevice.pageSize + 2)
        bytes[0] = 1
        bytes[MemoryDevice.pageSize / 2] = 2
        bytes[MemoryDevice.pageSize + 1] = 3
        try device.write(bytes, at: 10 * Self.page - 1)
        #expect(device.dataRanges == RangeSet([9 * Self.page..<12 * Self.page]))
        #expect(try device.bytes(at: 10 * Self.page - 1, count: bytes.count) == bytes)
    }

    @Test func dataRangesEndWithTheDevice() throws {
        let device = MemoryDevice(byteCount: 100)
        try device.write([1], at: 99)
        #expect(device.dataRanges == RangeSet([0..<100]))
    }

    @Test func zerosEraseWhatIsThere() throws {
        let device = MemoryDevice(byteCount: 4 * Self.page)
        try device.write([1, 2, 3], at: Self.page)
        try device.write([0, 0], at: Self.page)
        #expect(try device.bytes(at: Self.page, count: 3) == [0, 0, 3])
    }

    @Test func copiesAreIndependent() throws {
        let device = MemoryDevice(byteCount: 4 * Self.page, name: "original")
        try device.write([1, 2, 3], at: 0)
        let copy = device.copy()
        #expect(copy.name == "original")
        #expect(copy.contentEquals(device))
        try copy.write([9], at: 1)
        try device.write([8], at: 2 * Self.page)
        #expect(try device.bytes(at: 0, count: 3) == [1, 2, 3])
        #expect(try copy.bytes(at: 0, count: 3) == [1, 9, 3])
        #expect(try copy.bytes(at: 2 * Self.page, count: 1) == [0])
        #expect(!copy.contentEquals(device))
    }

    @Test func equalContentIsEqualWhateverTheHistory() throws {
        let left = MemoryDevice(byteCount: 4 * Self.page)
        let right = MemoryDevice(byteCount: 4 * Self.page)
        try left.write([5], at: 3 * Self.page)
        #expect(!left.contentEquals(right) && !right.contentEquals(left))
        try left.write([0], at: 3 * Self.page)
        #expect(left.contentEquals(right) && right.contentEquals(left))
        #expect(!left.contentEquals(MemoryDevice(byteCount: 3 * Self.page)))
    }
}

@Suite struct OverlayDeviceTests {
    @Test func theBaseNeverChanges() throws {
        let base = MemoryDevice(byteCount: 20_000, name: "base")
        try base.write(SeededGenerator(seed: 1).firstBytes(20_000), at: 0)
        let before = try base.content()
        let overlay = OverlayDevice(base: base)
        #expect(overlay.name == "base")
        try overlay.write([1, 2, 3], at: 4095)
        try overlay.write([4], at: 4098)
        try overlay.write([5], at: 19_999)
        #expect(overlay.writtenRanges == [4095..<4099, 19_999..<20_000])
        #expect(try base.content() == before)

        let copy = overlay.copy()
        try copy.write([6], at: 4095)
        #expect(try overlay.bytes(at: 4095, count: 4) == [1, 2, 3, 4])
        #expect(try copy.bytes(at: 4095, count: 4) == [6, 2, 3, 4])

        overlay.discardWrites()
        #expect(overlay.writtenRanges.isEmpty)
        #expect(try overlay.content() == before)
        #expect(copy.writtenRanges == [4095..<4099, 19_999..<20_000])
    }

    /// What was written whole hides a base that cannot be read there.
    @Test func writtenPagesDoNotNeedTheBase() throws {
        let broken = FaultyDevice(base: MemoryDevice(byteCount: 16384), failing: 1)
        #expect(throws: DeviceError.self) { try broken.flush() }
        let overlay = OverlayDevice(base: broken)
        let bytes = SeededGenerator(seed: 2).firstBytes(8192)
        try overlay.write(bytes, at: 4096)
        #expect(try overlay.bytes(at: 4096, count: 8192) == bytes)
        #expect(throws: DeviceError.self) { try overlay.bytes(at: 4095, count: 2) }
        #expect(throws: DeviceError.self) { try overlay.write([1], at: 0) }
    }
}

extension SeededGenerator {
    func firstBytes(_ count: Int) -> [UInt8] {
        var generator = self
        return generator.bytes(count)
    }
}
