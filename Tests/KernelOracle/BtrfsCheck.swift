internal import Foundation

/// `btrfs check` of btrfs-progs as a judge.
public enum BtrfsCheck {
    public enum Verdict: Sendable, CustomStringConvertible {
        /// No error was found; with what the program said.
        case clean(output: String)
        /// Errors were found.
        case errors(output: String)
        /// The program cannot judge this volume, and why.
        case notJudged(reason: String)

        public var isClean: Bool { if case .clean = self { true } else { false } }
        public var hasErrors: Bool { if case .errors = self { true } else { false } }

        public var description: String {
            switch self {
            case .clean: "clean"
            case .errors(let output): "errors: \(output)"
            case .notJudged(let reason): "NOT JUDGED: \(reason)"
            }
        }
    }

    /// What is looked at.
    public enum Depth: Sendable {
        /// Trees, references and space, but not the contents of files.
        case metadata
        /// All of it, and each block of file data against its checksum, in all copies.
        case everything
    }

    public static var isAvailable: Bool { skipReason == nil }
    public static let skipReason: String? = Command("btrfs") == nil ? "no btrfs (btrfs-progs)" : nil

    /// Checks the devices of one volume, which are only read.
    ///
    /// - Throws: `OracleError.unavailable` without btrfs-progs, `OracleError.timeout`.
    public static func run(
        images: [String], depth: Depth = .everything, timeout: Duration = .seconds(300)
    ) throws(OracleError) -> Verdict {
        let btrfs = try Command.named("btrfs")
        if images.count == 1 {
            // Programs open a file as it is; no loop device, no lock.
            return verdict(try check(images[0], with: btrfs, depth, timeout))
        }
        if let reason = HostKernel.skipReason {
            return .notJudged(reason: "several devices, and \(reason)")
        }
        var devices = try LoopDevices.attach(images.map { URL(fileURLWithPath: $0).path })
        let result: Result<Command.Result, OracleError>
        do {
            // The program looks for the other devices among the block devices itself.
            result = .success(try check(devices.paths[0], with: btrfs, depth, timeout))
        } catch {
            result = .failure(error)
        }
        try devices.detach()
        return verdict(try result.get())
    }

    private static func check(
        _ path: String, with btrfs: Command, _ depth: Depth, _ timeout: Duration
    ) throws(OracleError) -> Command.Result {
        let options = depth == .everything ? ["--check-data-csum"] : []
        return try btrfs.run(["check", "--readonly"] + options + [path], timeout: timeout)
    }

    /// The program tolerates some damage, a bad copy of a block for one, and ends with status 0;
    /// a judge does not.
    static func verdict(_ result: Command.Result) -> Verdict {
        let lines = result.text.split(separator: "\n").map(String.init)
        // A feature that this btrfs-progs does not know is no fault of the volume.
        if let line = lines.first(where: { $0.contains("unsupported option features") }) {
            return .notJudged(reason: line)
        }
        let isComplaint = { (line: String) in
            // It looks at all block devices for those of the volume; the others are not judged.
            if line.contains("cannot scan /dev/") { return false }
            let text = line.lowercased().replacing("no error found", with: "")
            return ["error", "failed", "warning", "mismatch"].contains { text.contains($0) }
        }
        if result.status == 0 && !lines.contains(where: isComplaint) { return .clean(output: result.text) }
        return .errors(output: "status \(result.status)\n\(result.text)")
    }
}
