internal import Foundation
internal import Synchronization

/// The kernel of this machine: mounts images natively, one volume at a time.
///
/// It must see no log that may kill a kernel: a task that dies in a mount leaves locks behind,
/// and every later sync of the machine hangs. Such images are for ``UserModeLinux``.
public enum HostKernel {
    public static var isAvailable: Bool { skipReason == nil }

    /// Why volumes cannot be mounted here; nil when they can.
    public static let skipReason: String? = findSkipReason()

    /// What the caller knows about the log of a volume.
    public enum Log: Sendable {
        /// There is none: it was replayed, or never written.
        case absent
        /// There may be one, and it is known to be harmless to this kernel.
        case replayedByKernel
    }

    /// Mounts the devices of one volume, runs `body` with the mount point, unmounts.
    ///
    /// Volumes are mounted one after the other, in this process and in all others that use
    /// this type, because copies of a volume share their fsid.
    ///
    /// - Parameter images: the image files, in any order. The mount writes to them: replay of
    ///   the log, removal of orphans.
    /// - Parameter log: a volume with a log is refused unless the caller says otherwise, so that no
    ///   log reaches the kernel of the machine by mistake.
    /// - Parameter options: mount options, `noatime` by default.
    /// - Parameter timeout: for the mount, and again for the unmount.
    /// - Throws: `OracleError.refused` when there is a log and should be none;
    ///   `OracleError.command` when the kernel refuses to mount, with what mount and the
    ///   kernel log say; `OracleError.timeout` when the mount hangs, and then also for all
    ///   later mounts of this process; and what `body` throws.
    public static func mount<Result>(
        images: [String], log: Log = .absent, options: [String] = ["noatime"],
        timeout: Duration = .seconds(120), _ body: (String) throws -> Result
    ) throws -> Result {
        if let skipReason { throw OracleError.unavailable(skipReason) }
        if let hung = hungMount.withLock({ $0 }) {
            throw OracleError.timeout("an earlier mount hangs: \(hung)")
        }
        if log == .absent {
            for image in images where try hasLog(image) {
                throw OracleError.refused("\(image) has a log and was to have none; it was not mounted")
            }
        }
        var devices = try LoopDevices.attach(images.map { URL(fileURLWithPath: $0).path })
        let folder = FileManager.default.temporaryDirectory.path + "/treelog-mount-\(UUID().uuidString)"
        guard Host.makeDirectory(folder) else {
            try devices.detach()
            throw OracleError.unavailable("no folder \(folder) can be made")
        }
        defer { Host.removeDirectory(folder) }
        do {
            try devices.recordMount(folder)
            try mountDevices(devices.paths, at: folder, options: options, timeout: timeout)
        } catch {
            try? devices.detach()
            throw error
        }
        let outcome = Swift.Result { try body(folder) }
        try unmount(folder, timeout: timeout)
        try devices.detach()
        return try outcome.get()
    }

    /// Mounts a volume, and collects its state.
    public static func state(
        of images: [String], log: Log = .absent, options: [String] = ["noatime"],
        timeout: Duration = .seconds(120)
    ) throws -> JSONValue {
        try mount(images: images, log: log, options: options, timeout: timeout) {
            try MountedState.collect(mountPoint: $0)
        }
    }

    /// Writes the file system that a path is on to its devices, and no other.
    public static func sync(_ path: String) throws(OracleError) {
        try OpenFile(path: path).syncFilesystem()
    }

    /// Whether the superblock of a device points to a log root.
    public static func hasLog(_ image: String) throws(OracleError) -> Bool {
        let superblock = try OpenFile(path: image).bytes(at: 65536, count: 4096)
        return superblock.count == 4096 && superblock[0x60..<0x68].contains { $0 != 0 }
    }

    private static let hungMount = Mutex<String?>(nil)

    private static func mountDevices(
        _ devices: [String], at folder: String, options: [String], timeout: Duration
    ) throws(OracleError) {
        guard let first = devices.first else { throw .unavailable("no device") }
        let all = options + devices.dropFirst().map { "device=\($0)" }
        let choice = all.isEmpty ? [] : ["-o", all.joined(separator: ",")]
        let start = ProcessInfo.processInfo.systemUptime
        do {
            try Command.named("mount").check(["-t", "btrfs"] + choice + [first, folder], timeout: timeout)
        } catch .command(let line, let output) {
            throw .command(line, output: "\(output)\n\(kernelMessages(about: first, since: start))")
        } catch .timeout(let what) {
            hungMount.withLock { $0 = what }
            throw .timeout(what)
        } catch {
            throw error
        }
    }

    private static func unmount(_ folder: String, timeout: Duration) throws(OracleError) {
        let umount = try Command.named("umount")
        var attempts = 0
        while true {
            let result = try umount.run([folder], timeout: timeout)
            if result.status == 0 { return }
            attempts += 1
            if attempts == 50 { throw .command("umount \(folder)", output: result.text) }
            Host.sleep(microseconds: 100_000)
        }
    }

    /// The lines of the kernel's log since a time that name the device, the last ones of many;
    /// empty where the log may not be read.
    private static func kernelMessages(about device: String, since start: Double) -> String {
        let name = device.split(separator: "/").last ?? ""
        let log = try? Command.named("dmesg").run(["--color=never"], timeout: .seconds(10)).output
        let lines = (log ?? "").split(separator: "\n").filter { line in
            let time = line.drop { $0 == "[" || $0 == " " }.prefix { $0 != "]" }
            return line.contains("device \(name)") && Double(time) ?? 0 >= start
        }
        return lines.suffix(12).joined(separator: "\n")
    }

    private static func findSkipReason() -> String? {
        if !Host.isRoot { return "mounting needs root" }
        let types = try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)
        guard let types, types.split(whereSeparator: \.isWhitespace).contains("btrfs") else {
            return "this kernel has no btrfs"
        }
        for tool in ["losetup", "mount", "umount", "btrfs"] where Command(tool) == nil {
            return "no \(tool)"
        }
        let image = FileManager.default.temporaryDirectory.path + "/treelog-probe-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: image) }
        guard FileManager.default.createFile(atPath: image, contents: Data(count: 1 << 20)) else {
            return "no file \(image) can be made"
        }
        do {
            var devices = try LoopDevices.attach([image])
            try devices.detach()
            return nil
        } catch {
            return "no loop devices: \(error)"
        }
    }
}
