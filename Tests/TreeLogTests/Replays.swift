import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// What the tests of replay share.
enum Replays {
    /// A time of its own for inodes that lose a name, so that results do not depend on the clock.
    static let now = Timestamp(seconds: 1_700_000_000, nanoseconds: 42)

    /// Opens, replays and commits.
    @discardableResult
    static func replay(
        _ devices: [any BlockDevice], registry: Registry = .mainline, policy: String = "mainline"
    ) throws -> ReplayReport {
        let volume = try Volume(opening: devices)
        let replayer = try Replayer(
            volume, registry: registry, policy: policy, options: ReplayOptions(now: now))
        let (transaction, report) = try replayer.run()
        try transaction.commit()
        return report
    }

    /// The whole visible state as a document.
    static func state(of files: VolumeFiles) throws -> JSONValue {
        try JSONValue(parsing: try stateBytes(of: files))
    }

    static func stateBytes(of files: VolumeFiles) throws -> [UInt8] {
        var sink = ByteCollector(limit: 1 << 30)
        try VolumeState(files).write(to: &sink)
        return sink.bytes
    }

    static func expectNoErrors(_ devices: [MemoryDevice]) throws {
        let folder = try TemporaryFolder()
        let verdict = try BtrfsCheck.run(images: try write(devices, to: folder.file("image")))
        #expect(!verdict.hasErrors, "\(verdict)")
    }

    /// Writes the devices of a volume to files.
    static func write(_ devices: [MemoryDevice], to base: String) throws -> [String] {
        try devices.enumerated().map { index, device in
            let path = "\(base).\(index)"
            try device.writeImage(to: path)
            return path
        }
    }
}
