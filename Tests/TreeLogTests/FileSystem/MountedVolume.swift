import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// A volume in memory for tests of `FileSystem`, made from an image of the corpus.
struct MountedVolume {
    let devices: [MemoryDevice]
    var fileSystem: FileSystem

    /// Mounts a copy of the image, which replays its log.
    init(_ image: String = "chmod_fsync", _ options: MountOptions = MountOptions()) throws {
        devices = try Corpus.image(named: image).load()
        fileSystem = try FileSystem(mounting: devices, options)
    }

    /// The state by the trees as they are now.
    func state() throws -> String { String(decoding: try fileSystem.state(), as: UTF8.self) }

    /// The state that someone sees who opens the devices now.
    func committedState() throws -> String {
        let volume = try Volume(opening: devices)
        var collector = ByteCollector(limit: 1 << 30)
        try VolumeState(VolumeFiles(volume)).write(to: &collector)
        return String(decoding: collector.bytes, as: UTF8.self)
    }

    /// What `btrfs check` says of the devices.
    func check() throws -> BtrfsCheck.Verdict {
        let folder = try TemporaryFolder()
        var paths: [String] = []
        for (index, device) in devices.enumerated() {
            let path = folder.file("image.\(index)")
            try device.writeImage(to: path)
            paths.append(path)
        }
        return try BtrfsCheck.run(images: paths)
    }

    /// Commits, and expects that the committed state is the one in memory and that `btrfs check` finds nothing.
    func expectClean(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try fileSystem.sync()
        let state = try state()
        #expect(try state == committedState(), sourceLocation: sourceLocation)
        guard BtrfsCheck.isAvailable else { return }
        let verdict = try check()
        #expect(verdict.isClean, "\(verdict)", sourceLocation: sourceLocation)
    }

    /// Expects that `body` fails with `code` and changes nothing.
    func expect(
        _ code: Errno, sourceLocation: SourceLocation = #_sourceLocation, _ body: (FileSystem) throws -> Void
    ) throws {
        let before = try state()
        do {
            try body(fileSystem)
            Issue.record("expected \(code.rawValue)", sourceLocation: sourceLocation)
        } catch let error as FileSystemError {
            #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        }
        #expect(try state() == before, sourceLocation: sourceLocation)
    }
}
