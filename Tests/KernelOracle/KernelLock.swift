internal import Foundation

/// The lock of all who attach loop devices or mount on this machine: copies of one volume have
/// one fsid, and the kernel cannot tell them apart.
///
/// The file of the lock lists what its holder attached and mounted. Who gets the lock and
/// finds something there takes it away: that holder died.
struct KernelLock: ~Copyable {
    private let file: OpenFile
    private var records: [String] = []

    static var path: String {
        let folder = Host.canWrite("/run/lock") ? "/run/lock" : FileManager.default.temporaryDirectory.path
        return folder + "/treelog-kernel-oracle.lock"
    }

    private init(file: consuming OpenFile) { self.file = file }

    /// Waits for the lock.
    static func acquire(timeout: Duration = .seconds(900)) throws(OracleError) -> KernelLock {
        let file = try OpenFile(creating: KernelLock.path)
        let start = ContinuousClock.now
        while !file.tryLock() {
            if ContinuousClock.now - start > timeout { throw .timeout("waiting for \(KernelLock.path)") }
            Host.sleep(microseconds: 2000)
        }
        for line in String(decoding: try file.contents(), as: UTF8.self).split(separator: "\n").reversed() {
            KernelLock.cleanUp(line.split(separator: " ", maxSplits: 2).map(String.init))
        }
        try file.replaceContents(with: [])
        return KernelLock(file: file)
    }

    mutating func recordLoop(_ device: String, image: String) throws(OracleError) {
        try record("loop \(device) \(image)")
    }

    mutating func recordMount(_ folder: String) throws(OracleError) {
        try record("mount \(folder)")
    }

    /// All that was recorded has been taken away.
    mutating func recordsAreDone() throws(OracleError) {
        records = []
        try file.replaceContents(with: [])
    }

    private mutating func record(_ line: String) throws(OracleError) {
        records.append(line)
        try file.replaceContents(with: Array((records.joined(separator: "\n") + "\n").utf8))
    }

    private static func cleanUp(_ record: [String]) {
        switch (record.first, record.count) {
        case ("mount", 2):
            _ = try? Command.named("umount").run([record[1]], timeout: .seconds(20))
            Host.removeDirectory(record[1])
        case ("loop", 3):
            let name = record[1].split(separator: "/").last ?? ""
            let backing = try? String(contentsOfFile: "/sys/block/\(name)/loop/backing_file", encoding: .utf8)
            // By now the device may be another's.
            guard let backing, backing.hasPrefix(record[2]) else { return }
            _ = try? Command.named("losetup").run(["--detach", record[1]], timeout: .seconds(20))
        default: break
        }
    }
}
