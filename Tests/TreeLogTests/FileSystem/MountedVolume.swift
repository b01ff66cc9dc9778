import BlockDevices
import BtrfsFormat
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// A mounted volume in memory.
struct MountedVolume {
    let devices: [MemoryDevice]
    let fileSystem: FileSystem

    /// Mounts a copy of an image of the corpus, which replays its log.
    init(_ image: String = "chmod_fsync", _ options: MountOptions = MountOptions()) throws {
        try self.init(mounting: try Corpus.image(named: image).load(), options)
    }

    /// Makes a volume with nothing in it, and mounts it.
    init(empty byteCount: UInt64) throws {
        let device = MemoryDevice(byteCount: byteCount)
        try Volume.create(on: device)
        try self.init(mounting: [device])
    }

    init(mounting devices: [MemoryDevice], _ options: MountOptions = MountOptions()) throws {
        self.devices = devices
        fileSystem = try FileSystem(mounting: devices, options)
    }

    /// The state by the trees as they are now.
    func state() throws -> String { String(decoding: try fileSystem.state(), as: UTF8.self) }

    /// The same, to be looked into.
    func document() throws -> JSONValue { try JSONValue(parsing: try fileSystem.state()) }

    /// The state that someone sees who opens the devices now.
    func committedState() throws -> String {
        String(decoding: try Self.state(of: Volume(opening: devices)), as: UTF8.self)
    }

    static func state(of volume: Volume) throws -> [UInt8] {
        var collector = ByteCollector(limit: 1 << 30)
        try VolumeState(VolumeFiles(volume)).write(to: &collector)
        return collector.bytes
    }

    /// What `btrfs check` says of the devices.
    func check() throws -> BtrfsCheck.Verdict {
        let folder = try TemporaryFolder()
        return try BtrfsCheck.run(images: try Self.write(devices, to: folder.file("image")))
    }

    /// Has each Linux at hand mount a copy of the volume as it is on the devices, and do some shell commands there;
    /// both checks have to like what comes of it.
    func afterLinux(_ work: String, log: HostKernel.Log = .absent, _ look: (FileDevice) throws -> Void) throws {
        let folder = try TemporaryFolder()
        let (host, guest) = (folder.file("host"), folder.file("guest"))
        for path in [guest, host] { try devices[0].writeImage(to: path) }
        let script = "cd $MOUNT && \(work); s=$?; cd /; [ $s = 0 ]"
        let outcomes = try UserModeLinux.mount(volumes: [[guest]], script: script)
        try #require(outcomes.first?.isMounted == true, "\(outcomes)")
        try HostKernel.mount(images: [host], log: log) { root in
            #expect(try Shell.run(work, in: root) == 0)
            try HostKernel.sync(root)
        }
        for path in [guest, host] {
            let verdict = try BtrfsCheck.run(images: [path])
            #expect(verdict.isClean, "\(verdict)")
            let device = try FileDevice(path: path, access: .readWrite)
            #expect(try Self.ownCheck([device]) == [])
            try look(device)
        }
    }

    /// The errors that the check finds.
    static func ownCheck(_ devices: [any BlockDevice]) throws -> [CheckFinding] {
        VolumeChecker(try Volume(opening: devices), options: CheckOptions(verifiesData: true)).run().errors
    }

    /// Commits, and expects that the committed state is the one in memory and that both checks find nothing.
    func expectClean(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try fileSystem.sync()
        let state = try state()
        #expect(try state == committedState(), sourceLocation: sourceLocation)
        #expect(try Self.ownCheck(devices) == [], sourceLocation: sourceLocation)
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
