/// What can name a file: bytes, or a string, whose bytes in UTF-8 count.
public protocol FilePath {
    /// The bytes of the path.
    var pathBytes: [UInt8] { get }
}

extension Array: FilePath where Element == UInt8 {
    public var pathBytes: [UInt8] { self }
}

extension String: FilePath {
    public var pathBytes: [UInt8] { Array(utf8) }
}
