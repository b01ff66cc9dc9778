public import BlockDevices

/// Something under `Tests/Fixtures` is not what it should be.
public struct FixtureError: Error, CustomStringConvertible {
    public let description: String
}

/// Where the tests find their files.
public enum Fixtures {
    /// The root of the package.
    public static let packageRoot = parent(of: parent(of: parent(of: #filePath)))

    /// `Tests/Fixtures` of this package.
    public static let folder = packageRoot + "/Tests/Fixtures"

    /// The content of a file.
    public static func bytes(of path: String) throws -> [UInt8] {
        let file = try FileDevice(path: path, access: .readOnly)
        return try file.bytes(at: 0, count: Int(file.byteCount))
    }

    /// A device in memory with the content of a compressed image.
    public static func device(of path: String) throws -> MemoryDevice {
        try MemoryDevice(decompressing: try bytes(of: path), name: path)
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
