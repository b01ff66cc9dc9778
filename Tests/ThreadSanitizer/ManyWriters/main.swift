// Many tasks that work with one file system at once, for the thread sanitizer: it reports what two of them do to the same
// memory without a lock. `Scripts/test` runs it:
//
//     many-writers IMAGE
//
// makes a volume in the new file IMAGE, and ends with an error where not just what was synced is there after a crash.

import BlockDevices
import BtrfsVolume
import TreeLog

struct Wrong: Error { var path: String }

/// Writes, makes and deletes files of its own, each made durable, with a commit now and then.
func write(_ writer: Int, on shared: SharedFileSystem) async throws {
    let folder = "/w\(writer)"
    try shared.withFileSystem { (fileSystem) throws(FileSystemError) in _ = try fileSystem.makeDirectory(folder) }
    for round in 0..<30 {
        let path = "\(folder)/\(round)"
        try shared.withFileSystem { (fileSystem) throws(FileSystemError) in
            try fileSystem.create(path)
            try fileSystem.write(path, at: UInt64(round) * 1000, [UInt8](repeating: UInt8(round), count: 5000))
            if round % 5 == 4 { try fileSystem.unlink("\(folder)/\(round - 4)") }
        }
        if (round + writer) % 13 == 0 { try await shared.sync() } else { _ = try await shared.fsync(path) }
    }
    _ = try await shared.fsync(folder)
}

let path = CommandLine.arguments[1]
let writers = 0..<8
do {
    let image = try FileDevice.create(at: path, byteCount: 256 << 20)
    try Volume.create(on: image)
    let shared = SharedFileSystem(try FileSystem(mounting: [image]))
    try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in writers { group.addTask { try await write(writer, on: shared) } }
        try await group.waitForAll()
    }
}
// What was not committed is gone with the file system.
let fileSystem = try FileSystem(mounting: [try FileDevice(path: path, access: .readWrite)])
for writer in writers {
    for round in 0..<30 {
        let path = "/w\(writer)/\(round)"
        guard try fileSystem.exists(path) == (round % 5 != 0) else { throw Wrong(path: path) }
    }
}
