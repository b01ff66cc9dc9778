import BlockDevices
import TestSupport
import Testing

/// What every kind of device promises: bytes come back as they were written, bounds hold, and nothing else
/// changes.
@Suite struct DeviceContractTests {
    /// No multiple of a sector or page.
    static let byteCount = 300_001

    @Test(arguments: DeviceKind.allCases, [1, 2, 3] as [UInt64])
    func behavesLikeAnArray(_ kind: DeviceKind, _ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let device = try kind.makeDevice(byteCount: UInt64(Self.byteCount), in: folder)
        var random = SeededGenerator(seed: seed)
        var model = [UInt8](repeating: 0, count: Self.byteCount)
        for step in 0..<60 {
            let write = ModelledWrite(byteCount: Self.byteCount, using: &random)
            try device.write(write.bytes, at: write.offset)
            write.apply(to: &model)
            if step % 7 == 0 { try device.flush() }

            let start = Int.random(in: 0...Self.byteCount, using: &random)
            let end = Int.random(in: start...min(Self.byteCount, start + 200_000), using: &random)
            let read = try device.bytes(at: UInt64(start), count: end - start)
            try #require(read == Array(model[start..<end]), "seed \(seed), step \(step), after \(write)")
        }
        #expect(try device.content() == model, "seed \(seed)")
    }

    @Test(arguments: DeviceKind.allCases)
    func refusesWhatLiesOutside(_ kind: DeviceKind) throws {
        let folder = try TemporaryFolder()
        let device = try kind.makeDevice(byteCount: 1000, in: folder)
        #expect(device.byteCount == 1000)
        #expect(!device.isReadOnly)
        let outside: [(UInt64, Int)] = [
            (1000, 1), (999, 2), (0, 1001), (.max, 1), (.max, 0), (UInt64.max - 1, 2),
        ]
        for (offset, count) in outside {
            #expect(throws: DeviceError.self) { try device.bytes(at: offset, count: count) }
            let error = #expect(throws: DeviceError.self) {
                try device.write([UInt8](repeating: 7, count: count), at: offset)
            }
            #expect(error?.reason == .outOfBounds(byteCount: 1000))
            #expect(error?.offset == offset)
            #expect(error?.count == count)
        }
        #expect(throws: DeviceError.self) { try device.bytes(at: 0, count: -1) }
        #expect(throws: DeviceError.self) { try device.bytes(at: 0, count: .max) }
        try device.write([UInt8](), at: 1000)
        #expect(try device.bytes(at: 1000, count: 0) == [])
        #expect(try device.content() == [UInt8](repeating: 0, count: 1000))
    }

    @Test func errorsAreOneLineForPeople() {
        let error = DeviceError(
            device: "disk.img", operation: .read, offset: 65536, count: 4096, reason: .system(code: 5))
        #expect("\(error)" == "disk.img: cannot read 4096 bytes at offset 65536: Input/output error")
        let flush = DeviceError(device: "disk.img", operation: .flush, reason: .failedBefore)
        #expect("\(flush)" == "disk.img: cannot flush: an earlier flush failed")
    }
}
