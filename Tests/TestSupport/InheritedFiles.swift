internal import Foundation
internal import Glibc

/// The open files at a path once more, as a process has them that another thread is just starting.
public struct InheritedFiles: ~Copyable {
    private let descriptors: [CInt]

    public init(_ path: String) throws {
        let folder = "/proc/self/fd"
        descriptors = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
            return target == path ? CInt(name).map { dup($0) } : nil
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    public var isEmpty: Bool { descriptors.isEmpty }
}
