// What one durable change costs: through the log, by full commits, and with many writers at once.
//
//     treelog-bench-fsync IMAGE FILES ROUNDS    (see Scripts/bench-fsync)

import BlockDevices
import BtrfsVolume
import TreeLog

/// Counts what a device is given to write.
final class CountingDevice: BlockDevice {
    private let base: FileDevice
    private(set) var writtenByteCount: UInt64 = 0
    private(set) var flushCount = 0

    init(_ base: FileDevice) { self.base = base }

    var name: String { base.name }
    var byteCount: UInt64 { base.byteCount }
    var isReadOnly: Bool { base.isReadOnly }

    func read(into target: inout MutableRawSpan, at offset: UInt64) throws(DeviceError) {
        try base.read(into: &target, at: offset)
    }

    func write(_ source: RawSpan, at offset: UInt64) throws(DeviceError) {
        writtenByteCount += UInt64(source.byteCount)
        try base.write(source, at: offset)
    }

    func flush() throws(DeviceError) {
        flushCount += 1
        try base.flush()
    }
}

/// Prints a row: name, rounds per second, bytes and flushes per round.
func measure(_ name: String, _ rounds: Int, _ device: CountingDevice, _ body: (Int) throws -> Void) throws {
    let (bytes, flushes) = (device.writtenByteCount, device.flushCount)
    let clock = ContinuousClock()
    let time = try clock.measure { for round in 0..<rounds { try body(round) } }
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    let written = (device.writtenByteCount - bytes) / UInt64(rounds)
    let flushed = Double(device.flushCount - flushes) / Double(rounds)
    print("\(name)\t\(Int(Double(rounds) / seconds))\t\(written)\t\(flushed)")
}

func name(_ number: Int) -> String { "/d\(number / 1000)/f\(number)" }

func makeFiles(_ count: Int, on fileSystem: FileSystem) throws {
    for number in 0..<count {
        if number % 1000 == 0 { _ = try fileSystem.makeDirectory("/d\(number / 1000)") }
        _ = try fileSystem.create(name(number))
        if number % 10_000 == 9_999 { try fileSystem.sync() }
    }
    try fileSystem.write(name(0), at: 0, [UInt8](repeating: 7, count: 1 << 20))
    try fileSystem.sync()
}

/// The same change again and again, each made durable: a small overwrite, and a new file.
func measureBoth(_ kind: String, _ rounds: Int, _ device: CountingDevice, usesLog: Bool) throws {
    var options = MountOptions()
    options.usesTreeLog = usesLog
    let fileSystem = try FileSystem(mounting: [device], options)
    let block = [UInt8](repeating: 9, count: 4096)
    try measure("overwrite 4 KiB, \(kind)", rounds, device) { round in
        try fileSystem.write(name(0), at: UInt64(round * 37 % 256) * 4096, block)
        _ = try fileSystem.fsync(name(0))
    }
    try fileSystem.sync()
    try measure("new file of 1000 bytes, \(kind)", rounds, device) { round in
        let path = "/d0/\(kind.replacing(" ", with: "-"))-\(round)"
        _ = try fileSystem.create(path)
        try fileSystem.write(path, at: 0, [UInt8](repeating: 1, count: 1000))
        _ = try fileSystem.fsync(path)
    }
    try fileSystem.unmount()
}

/// Several writers, each with a file of its own.
func measureWriters(_ image: String, _ writers: Int, _ rounds: Int) async throws {
    let shared = SharedFileSystem(try FileSystem(mounting: [try FileDevice(path: image, access: .readWrite)]))
    let clock = ContinuousClock()
    let time = try await clock.measure {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 1...writers {
                group.addTask {
                    let block = [UInt8](repeating: UInt8(writer), count: 4096)
                    for round in 0..<rounds {
                        try shared.withFileSystem { (fileSystem) throws(FileSystemError) in
                            try fileSystem.write(name(writer), at: UInt64(round % 64) * 4096, block)
                        }
                        _ = try await shared.fsync(name(writer))
                    }
                }
            }
            try await group.waitForAll()
        }
    }
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    print("overwrite 4 KiB, log, \(writers) writers\t\(Int(Double(writers * rounds) / seconds))\t-\t-")
    try await shared.sync()
}

let image = CommandLine.arguments[1]
let files = Int(CommandLine.arguments[2]) ?? 100
let rounds = Int(CommandLine.arguments[3]) ?? 200
do {
    let device = CountingDevice(try FileDevice.create(at: image, byteCount: 4 << 30))
    try Volume.create(on: device)
    let fileSystem = try FileSystem(mounting: [device])
    try makeFiles(files, on: fileSystem)
    try fileSystem.unmount()
    try measureBoth("log", rounds, device, usesLog: true)
    try measureBoth("full commit", rounds, device, usesLog: false)
}
for writers in [1, 2, 4, 8, 16] { try await measureWriters(image, writers, rounds) }
