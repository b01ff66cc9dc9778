internal import BtrfsVolume

/// Why an operation on a file system failed. Where nothing else is said, everything is as it was before.
public struct FileSystemError: Error, Sendable {
    /// What kind of failure it is.
    public var code: Errno
    /// The operation, such as `rename`.
    public var operation: String
    /// The bytes of the path on which it failed. Of a file that was not given by a path, its place, as in `inode 257
    /// of subvolume 5`; empty for what is about no file.
    public var path: [UInt8]
    /// What went wrong below, where it was not the operation itself.
    public var cause: (any Error)?

    /// An error of `operation` on `path`.
    public init(_ code: Errno, _ operation: String, path: [UInt8] = [], cause: (any Error)? = nil) {
        self.code = code
        self.operation = operation
        self.path = path
        self.cause = cause
    }

    /// The same for a file without a path.
    func of(_ file: FileLocation) -> FileSystemError {
        var error = self
        if path.isEmpty { error.path = Array("inode \(file.inode) of subvolume \(file.subvolume)".utf8) }
        return error
    }
}

extension FileSystemError: CustomStringConvertible {
    public var description: String {
        let place = path.isEmpty ? "" : " \(String(decoding: path, as: UTF8.self))"
        let reason = cause.map { " (\($0))" } ?? ""
        return "\(operation)\(place): \(code.rawValue)\(reason)"
    }
}

extension Errno {
    /// What an operation fails with for a failure of the volume below it.
    init(_ error: VolumeError) {
        switch error {
        case .device: self = .inputOutput
        case .format, .damaged, .noSuchKey, .keyExists: self = .needsCleaning
        case .unsupported: self = .notSupported
        case .itemTooLarge: self = .noSpace
        case .noSpace: self = .noSpace
        case .refused: self = .inputOutput
        }
    }
}
