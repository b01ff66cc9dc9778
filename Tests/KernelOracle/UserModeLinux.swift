internal import Foundation

/// A second kernel, as one ordinary process: a BUG in it ends that process and nothing else.
/// Needs neither root nor loop devices.
public enum UserModeLinux {
    /// What became of one volume in the guest.
    public enum Outcome: Sendable, Equatable, CustomStringConvertible {
        /// It was mounted and unmounted; with what the script printed.
        case mounted(output: String)
        /// The kernel refused to mount it, or the script failed; with the messages.
        case failed(output: String)
        /// The guest died or hung while it mounted or unmounted this volume.
        case died(output: String)

        public var isMounted: Bool { if case .mounted = self { true } else { false } }

        public var description: String {
            switch self {
            case .mounted(let output): "mounted\(output.isEmpty ? "" : ": ")\(output)"
            case .failed(let output): "failed: \(output)"
            case .died(let output): "the guest died: \(output)"
            }
        }
    }

    public static var isAvailable: Bool { skipReason == nil }

    /// Why no guest can be started here; nil when one can.
    public static let skipReason: String? = {
        for tool in ["linux.uml", "busybox"] where Command(tool) == nil { return "no \(tool)" }
        return nil
    }()

    /// A guest has 16 block devices.
    static let deviceLimit = 16

    /// Mounts volumes in a guest, one after the other, and unmounts them.
    ///
    /// Several volumes share a boot, of which each costs about two seconds. When the guest dies
    /// on one volume, the rest go to a new one.
    ///
    /// - Parameter volumes: the image files of each volume. The guest writes to them.
    /// - Parameter options: mount options.
    /// - Parameter script: shell commands to run while a volume is mounted at `$MOUNT`; the
    ///   root of the guest is that of the host, read-only.
    /// - Parameter timeout: for one boot with up to 16 devices.
    public static func mount(
        volumes: [[String]], options: [String] = ["noatime"], script: String = ":",
        timeout: Duration = .seconds(120)
    ) throws(OracleError) -> [Outcome] {
        if let skipReason { throw .unavailable(skipReason) }
        var outcomes: [Outcome] = []
        while outcomes.count < volumes.count {
            var batch: [[String]] = []
            for volume in volumes[outcomes.count...] {
                let devices = batch.reduce(volume.count) { $0 + $1.count }
                if devices > deviceLimit { break }
                batch.append(volume.map { URL(fileURLWithPath: $0).path })
            }
            if batch.isEmpty { throw .unavailable("a guest has only \(deviceLimit) block devices") }
            outcomes += try boot(batch, options: options, script: script, timeout: timeout)
        }
        return outcomes
    }

    /// The outcomes of the volumes up to and with the one on which the guest died.
    private static func boot(
        _ volumes: [[String]], options: [String], script: String, timeout: Duration
    ) throws(OracleError) -> [Outcome] {
        let name = FileManager.default.temporaryDirectory.path + "/treelog-uml-\(UUID().uuidString).sh"
        let text = initScript(volumes.map(\.count), options: options, script: script)
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o755]
        guard FileManager.default.createFile(atPath: name, contents: Data(text.utf8), attributes: attributes)
        else { throw .unavailable("no file \(name) can be made") }
        defer { try? FileManager.default.removeItem(atPath: name) }
        let devices = volumes.joined().enumerated().map { "ubd\($0.offset)=\($0.element)" }
        let arguments =
            ["mem=512M"] + devices + [
                "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", "panic=1",
                "init=\(name)", "con=null", "con0=fd:0,fd:1",
            ]
        let console: String
        do {
            console = try Command.named("linux.uml").run(arguments, timeout: timeout).output
        } catch .timeout(let said) {
            console = said
        } catch {
            throw error
        }
        return outcomes(from: console, count: volumes.count)
    }

    /// The lines of the console between `@@BEGIN n` and `@@MOUNTED n` or `@@FAILED n`.
    static func outcomes(from console: String, count: Int) -> [Outcome] {
        var outcomes: [Outcome] = []
        var said: [String] = []
        // The console ends its lines with CR LF, which is one Character.
        for line in console.split(whereSeparator: \.isNewline).map(String.init) {
            let output = { said.joined(separator: "\n") }
            switch line {
            case "@@BEGIN \(outcomes.count)": said = []
            case "@@MOUNTED \(outcomes.count)": outcomes.append(.mounted(output: output()))
            case "@@FAILED \(outcomes.count)": outcomes.append(.failed(output: output()))
            default: said.append(line)
            }
        }
        if outcomes.count < count {
            outcomes.append(.died(output: said.suffix(40).joined(separator: "\n")))
        }
        return outcomes
    }

    /// The guest's init. A device is made for each image, named `0`, `1`, … in a folder in memory.
    private static func initScript(_ counts: [Int], options: [String], script: String) -> String {
        var lines = [
            "#!/bin/sh", "export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C",
            "mount -t proc proc /proc", "mount -t sysfs sysfs /sys", "mount -t tmpfs tmpfs /mnt",
            "export MOUNT=/mnt/volume", "mkdir $MOUNT",
            "work() {", script, "}",
        ]
        var device = 0
        for (index, count) in counts.enumerated() {
            let paths = (device..<(device + count)).map { "/mnt/\($0)" }
            for path in paths {
                lines.append("mknod \(path) b 98 \(device * 16)")
                device += 1
            }
            let all = options + paths.dropFirst().map { "device=\($0)" }
            let choice = all.isEmpty ? "" : "-o " + all.joined(separator: ",")
            lines += [
                // This is the log of the guest; the host's is never cleared.
                "dmesg --clear", "echo; echo '@@BEGIN \(index)'",
                "if mount -t btrfs \(choice) \(paths[0]) $MOUNT 2>&1; then",
                "  work 2>&1; status=$?",
                "  umount $MOUNT 2>&1 && [ $status = 0 ]",
                "else",
                "  dmesg --color=never; false",
                "fi && echo '@@MOUNTED \(index)' || echo '@@FAILED \(index)'",
            ]
        }
        lines.append("busybox poweroff -f")
        return lines.joined(separator: "\n") + "\n"
    }
}
