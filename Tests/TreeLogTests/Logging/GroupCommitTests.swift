import BlockDevices
import BtrfsVolume
import KernelOracle
import TestSupport
import Testing
import TreeLog

/// Many tasks that make files durable at once.
@Suite struct GroupCommitTests {
    /// Many tasks at once on a volume on a file: such a device serves many threads.
    private func work(on path: String) async throws {
        let fileSystem = SharedFileSystem(
            try FileSystem(mounting: [try FileDevice(path: path, access: .readWrite)]))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for round in 0..<12 {
                        let name = "/w\(writer)-\(round)"
                        try fileSystem.withFileSystem { (fs) throws(FileSystemError) in
                            _ = try fs.create(name)
                            try fs.write(name, at: 0, [UInt8](repeating: UInt8(round + 1), count: 5000))
                        }
                        _ = try await fileSystem.fsync(name)
                        if writer == 0, round == 6 { try await fileSystem.sync() }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func allWhoWaitAreServed() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("image")
        try LoggedVolume("chmod_fsync").crash()[0].writeImage(to: path)
        try await work(on: path)
        // Nothing was committed at the end: what is there is in the log.
        let copy = OverlayDevice(base: try FileDevice(path: path, access: .readOnly))
        let text = "\(try LoggedVolume.replayed([copy]))"
        for writer in 0..<8 {
            for round in 0..<12 { #expect(text.contains("w\(writer)-\(round)\"")) }
        }
    }
}
