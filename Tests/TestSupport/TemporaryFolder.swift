internal import Foundation

/// An empty folder that goes when this value does.
public struct TemporaryFolder: ~Copyable {
    public let path: String

    public init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "treelog-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in the folder.
    public func file(_ name: String) -> String { path + "/" + name }
}
