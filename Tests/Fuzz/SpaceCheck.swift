import BlockDevices
import HostileImages
import KernelOracle
import TestSupport

/// `btrfs check` as a judge of volumes after the replay of a log that lies.
///
/// A log can say of files what makes no sense, and Linux takes it as well; such complaints are let pass. Space,
/// references and the structure of trees must be right whatever a log says.
enum SpaceCheck {
    private static let tolerated = [
        "csum missing", "odd csum", "link count wrong", "unresolved ref", "errors found in", "cache will be invalidated",
        "nbytes wrong", "could not check mount status", "file extent", "dir isize wrong", "some inode", "odd", "bad file", "no inode ref",
        // Said of preallocated space that has checksums.
        "missing extent item in extent tree for disk_bytenr",
    ]

    static func run(_ devices: [MemoryDevice]) throws {
        guard devices.count == 1 else { return }
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try devices[0].writeImage(to: path)
        guard case .errors(let output) = try BtrfsCheck.run(images: [path], depth: .metadata) else { return }
        for line in output.split(separator: "\n").map({ $0.lowercased() }) {
            let isComplaint = ["error", "wrong", "mismatch", "bad ", "missing", "invalid"].contains { line.contains($0) }
            guard isComplaint, !line.hasPrefix("found "), !line.hasPrefix("["),
                !tolerated.contains(where: { line.contains($0) })
            else { continue }
            throw Finding(description: "btrfs check: \(line)")
        }
    }
}
