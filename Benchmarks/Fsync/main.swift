// What one durable change costs in treelog. `Scripts/bench-fsync` lets it and others take turns.
//
//     treelog-bench-fsync IMAGE FILES log|fresh|commit|shared
//
// makes a volume with FILES files on IMAGE, whose content is lost, prints a line, and then does what it reads from
// standard input:
//
//     overwrite COUNT          4 KiB of a file of 1 MiB, each made durable: through the log, through a log that has
//                              nothing in it (fresh; the commit before is not measured), or by a full commit
//     create COUNT             a new file of 1000 bytes, the same
//     writers WRITERS COUNT    overwrites by several writers at once, each of a file of its own (shared)
//
// For each it prints the seconds, the bytes written and the flushes of all COUNT changes together.

import BlockDevices
import BtrfsVolume
import Glibc
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

/// Prints a line for who waits for it at the other end of a pipe.
func answer(_ line: String) {
    print(line)
    fflush(nil)
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

func name(_ number: Int) -> String { "/d\(number / 1000)/f\(number)" }

func makeFiles(_ count: Int, on fileSystem: FileSystem) throws {
    for number in 0..<count {
        if number % 1000 == 0 { try fileSystem.makeDirectory("/d\(number / 1000)") }
        try fileSystem.create(name(number))
        if number % 10_000 == 9_999 { try fileSystem.sync() }
    }
    try fileSystem.write(name(0), at: 0, [UInt8](repeating: 7, count: 1 << 20))
    try fileSystem.unmount()
}

/// The same change again and again, each made durable.
struct SingleWriter {
    let device: CountingDevice
    let fileSystem: FileSystem
    let hasFreshLog: Bool
    private var round = 0

    init(_ image: FileDevice, mode: String) throws {
        device = CountingDevice(image)
        hasFreshLog = mode == "fresh"
        var options = MountOptions()
        options.usesTreeLog = mode != "commit"
        fileSystem = try FileSystem(mounting: [device], options)
    }

    mutating func run(_ change: Substring, _ count: Int) throws {
        var (seconds, bytes, flushes) = (0.0, UInt64(0), 0)
        for _ in 0..<count {
            if hasFreshLog { try fileSystem.sync() }
            let before = (bytes: device.writtenByteCount, flushes: device.flushCount)
            let time = try ContinuousClock().measure {
                if change == "create" { try create() } else { try overwrite() }
            }
            seconds += time.seconds
            bytes += device.writtenByteCount - before.bytes
            flushes += device.flushCount - before.flushes
        }
        answer("\(seconds) \(bytes) \(flushes)")
    }

    private mutating func overwrite() throws {
        round += 1
        try fileSystem.write(name(0), at: UInt64(round * 37 % 256) * 4096, [UInt8](repeating: 9, count: 4096))
        _ = try fileSystem.fsync(name(0))
    }

    private mutating func create() throws {
        round += 1
        let path = "/d0/new-\(round)"
        try fileSystem.create(path)
        try fileSystem.write(path, at: 0, [UInt8](repeating: 1, count: 1000))
        _ = try fileSystem.fsync(path)
    }
}

/// Several writers, each with a file of its own.
func overwrite(_ shared: SharedFileSystem, writers: Int, _ count: Int) async throws {
    let time = try await ContinuousClock().measure {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 1...writers {
                group.addTask {
                    let block = [UInt8](repeating: UInt8(truncatingIfNeeded: writer), count: 4096)
                    for round in 0..<count / writers {
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
    answer("\(time.seconds) 0 0")
}

func run(_ path: String, files: Int, _ mode: String) async throws {
    let image = try FileDevice(path: path, access: .readWrite)
    try Volume.create(on: image)
    try makeFiles(files, on: try FileSystem(mounting: [image]))
    answer("ready")
    if mode == "shared" {
        let shared = SharedFileSystem(try FileSystem(mounting: [image]))
        while let words = readLine()?.split(separator: " "), words.count > 2 {
            try await overwrite(shared, writers: Int(words[1]) ?? 1, Int(words[2]) ?? 1)
        }
    } else {
        var writer = try SingleWriter(image, mode: mode)
        while let words = readLine()?.split(separator: " "), words.count > 1 {
            try writer.run(words[0], Int(words[1]) ?? 1)
        }
    }
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let files = Int(arguments[2]), ["log", "fresh", "commit", "shared"].contains(arguments[3])
else {
    print("usage: treelog-bench-fsync IMAGE FILES log|fresh|commit|shared (Scripts/bench-fsync runs it)")
    exit(64)
}
do { try await run(arguments[1], files: files, arguments[3]) } catch {
    print("treelog-bench-fsync: \(error)")
    exit(1)
}
